//! What the rules see, and what they answer.

/// One prunable layer; their order is the published module order.
#[derive(Clone, Debug)]
pub struct Layer {
    /// PyTorch's name.
    pub name: String,
    /// m_l: weights without bias.
    pub weights: u64,
    /// Output channels or features.
    pub filters: u64,
    /// Linear, else a convolution.
    pub linear: bool,
}

/// How the density of a convolution depends on its place l = 1..L, k = L − l + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// k² + k, the paper's.
    Quadratic,
    /// k
    Linear,
    /// k³
    Cubic,
    /// l² + l
    Ascending,
    /// 1
    Uniform,
}

impl Shape {
    const ALL: [(&'static str, Shape); 5] = [
        ("quadratic", Shape::Quadratic),
        ("linear", Shape::Linear),
        ("cubic", Shape::Cubic),
        ("ascending", Shape::Ascending),
        ("uniform", Shape::Uniform),
    ];

    /// The shape that a parameter names.
    pub fn named(name: &str) -> Result<Shape, String> {
        let found = Shape::ALL.iter().find(|shape| shape.0 == name);
        found
            .map(|shape| shape.1)
            .ok_or_else(|| format!("unknown shape `{name}`"))
    }

    /// Its name in a parameter.
    pub fn name(self) -> &'static str {
        let found = Shape::ALL.iter().find(|shape| shape.1 == self);
        found.expect("`ALL` lists every shape").0
    }

    /// The density of layer `l` (from 1) before scaling. Whole, and exact in f32 up to
    /// L = 255 for the cubic.
    pub fn density(self, l: u64, depth: u64) -> f64 {
        let k = depth as f64 - l as f64 + 1.0;
        let l = l as f64;
        match self {
            Shape::Quadratic => k * k + k,
            Shape::Linear => k,
            Shape::Cubic => k * k * k,
            Shape::Ascending => l * l + l,
            Shape::Uniform => 1.0,
        }
    }
}

/// Whether the density is divided by l².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It is not.
    Resnet,
    /// It is.
    Vgg,
}

impl Form {
    /// Its name in a parameter.
    pub fn name(self) -> &'static str {
        match self {
            Form::Resnet => "resnet",
            Form::Vgg => "vgg",
        }
    }
}

/// The parameters of smart-ratio.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Density by depth.
    pub shape: Shape,
    /// Divided by l² or not.
    pub form: Form,
    /// Density of linear layers.
    pub linear_keep_ratio: f64,
    /// L.
    pub depth: u64,
}

impl Rule {
    /// L must leave k ≥ 1 at every convolution.
    pub fn check_depth(&self, layers: &[Layer]) -> Result<(), String> {
        let last = layers.iter().rposition(|layer| !layer.linear);
        let Some(last) = last else {
            return Err("the network has no convolution to allocate to".to_owned());
        };
        if self.depth <= last as u64 {
            return Err(format!(
                "`L` is {}, but `{}` is layer {}: expected at least that",
                self.depth,
                layers[last].name,
                last + 1
            ));
        }
        Ok(())
    }
}

/// Counts, and what a person should know about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Weights to keep, one count per layer.
    pub counts: Vec<u64>,
    /// Sentences without a full stop.
    pub notes: Vec<String>,
}

/// What the layers are called.
pub fn named(layers: &[Layer]) -> Vec<&str> {
    layers.iter().map(|layer| layer.name.as_str()).collect()
}

/// The `layers` (names) that `choose` picks, for a note; at most three in full.
pub fn names(layers: &[&str], choose: impl Fn(usize) -> bool) -> Option<String> {
    let chosen: Vec<&str> = (0..layers.len())
        .filter(|&l| choose(l))
        .map(|l| layers[l])
        .collect();
    let shown: Vec<String> = chosen.iter().take(3).map(|n| format!("`{n}`")).collect();
    match chosen.len() {
        0 => None,
        n if n > 3 => Some(format!("{} and {} more", shown.join(", "), n - 3)),
        _ => Some(shown.join(", ")),
    }
}
