//! Networks of which nothing but their layers matters, for tests.
use jackpot_net::{Architecture, Layer, LayerRole, Network};

/// `l0.weight`, `l1.weight` and so on; a linear layer at the end of others is the classifier.
pub(crate) fn network(layers: Vec<(LayerRole, Vec<usize>)>) -> Network {
    let last = layers.len().saturating_sub(1);
    let layer = |(i, (role, shape)): (usize, (LayerRole, Vec<usize>))| Layer {
        name: format!("l{i}.weight"),
        role,
        shape,
        first: i == 0,
        classifier: role == LayerRole::Linear && i == last && i > 0,
        shortcut: false,
        depthwise: false,
        depth: i as u32,
        block: 0,
        stride: 1,
        groups: 1,
        uses: 1,
    };
    Network {
        architecture: Architecture::resnet(8, 1, 2, [1, 8, 8]),
        parameters: vec![],
        nodes: vec![],
        layers: layers.into_iter().enumerate().map(layer).collect(),
    }
}
