//! Networks against the published code: names, shapes, order, totals, and what is refused.

use jackpot_net::{Architecture, Family, LayerRole, Network, Op, ParameterKind};

fn resnet(depth: u32, width: u32, classes: u32) -> Network {
    let architecture = Architecture::resnet(depth, width, classes, [3, 32, 32]);
    architecture.build().expect("a published network")
}

fn vgg(depth: u32, width: u32, classes: u32) -> Network {
    let architecture = Architecture::vgg(depth, width, classes, [3, 32, 32]);
    architecture.build().expect("a published network")
}

/// Names and shapes of `state_dicts.txt` under `## title`.
fn published(title: &str) -> Vec<(String, Vec<usize>)> {
    let text = include_str!("state_dicts.txt");
    let after = text.split("## ").find(|part| part.starts_with(title));
    let lines = after.expect("a known title").lines().skip(1);
    let entry = |line: &str| {
        let mut fields = line.split(' ');
        let name = fields.next().expect("a name").to_owned();
        let sides = fields.map(|side| side.parse().expect("a number"));
        (name, sides.collect())
    };
    lines.map(entry).collect()
}

fn check_state_dict(title: &str, network: &Network) {
    let built = network.parameters.iter();
    let built: Vec<_> = built.map(|p| (p.name.clone(), p.shape.clone())).collect();
    assert_eq!(built, published(title), "{title}");
    let prunable = network.parameters.iter().filter(|parameter| {
        matches!(
            parameter.kind,
            ParameterKind::ConvWeight | ParameterKind::LinearWeight
        )
    });
    let layers = network
        .layers
        .iter()
        .map(|layer| (&layer.name, &layer.shape));
    assert!(prunable.map(|p| (&p.name, &p.shape)).eq(layers), "{title}");
}

#[test]
fn names_and_shapes_are_those_of_the_published_code() {
    check_state_dict("resnet 8\n", &resnet(8, 32, 10));
    check_state_dict("resnet 20\n", &resnet(20, 32, 10));
    check_state_dict("resnet 56\n", &resnet(56, 32, 100));
    check_state_dict("vgg 11\n", &vgg(11, 64, 10));
    check_state_dict("vgg 13\n", &vgg(13, 64, 10));
    check_state_dict("vgg 16\n", &vgg(16, 64, 100));
    check_state_dict("vgg 19\n", &vgg(19, 64, 10));
}

#[test]
fn a_network_of_another_width_has_other_shapes() {
    let narrow = resnet(8, 16, 10);
    let shapes = |n: &Network| {
        n.parameters
            .iter()
            .map(|p| p.shape.clone())
            .collect::<Vec<_>>()
    };
    let expect: Vec<_> = published("resnet 8\n")
        .into_iter()
        .map(|(_, s)| s)
        .collect();
    assert_ne!(shapes(&narrow), expect);
    assert_eq!(shapes(&narrow).len(), expect.len());
}

#[test]
fn totals_are_the_papers() {
    for (classes, expect) in [(10, 20_024_000), (100, 20_070_080), (200, 20_121_280)] {
        assert_eq!(vgg(19, 64, classes).prunable_weights(), expect);
        assert_eq!(vgg(19, 64, classes).layers.len(), 17);
    }
    for (classes, expect) in [(10, 1_855_584), (100, 1_867_104), (200, 1_879_904)] {
        assert_eq!(resnet(32, 32, classes).prunable_weights(), expect);
        assert_eq!(resnet(32, 32, classes).layers.len(), 34);
    }
}

/// Sizes as the published smart ratio sees them, each projection after conv2 of its block.
#[test]
fn layers_come_in_published_module_order() {
    let mut expect = vec![864];
    expect.extend([9216; 10]);
    expect.extend([18432, 36864, 2048]);
    expect.extend([36864; 8]);
    expect.extend([73728, 147456, 8192]);
    expect.extend([147456; 8]);
    expect.push(1280);
    let net = resnet(32, 32, 10);
    let sizes: Vec<usize> = net.layers.iter().map(|layer| layer.len()).collect();
    assert_eq!(sizes, expect);
    let depths: Vec<u32> = net.layers.iter().map(|layer| layer.depth).collect();
    assert_eq!(depths, (1..=34).collect::<Vec<u32>>());
}

#[test]
fn facts_of_the_layers() {
    let net = resnet(14, 16, 10);
    let fact = |name: &str| {
        let mut layers = net.layers.iter();
        let layer = layers.find(|layer| layer.name == name).expect(name);
        let flags = [layer.first, layer.classifier, layer.shortcut];
        (flags, layer.block, layer.stride, layer.uses)
    };
    assert_eq!(fact("conv1.weight"), ([true, false, false], 0, 1, 1024));
    assert_eq!(fact("layer1.1.conv2.weight"), ([false; 3], 2, 1, 1024));
    assert_eq!(fact("layer2.0.conv1.weight"), ([false; 3], 3, 2, 256));
    let projection = ([false, false, true], 3, 2, 256);
    assert_eq!(fact("layer2.0.downsample.0.weight"), projection);
    assert_eq!(fact("layer3.1.conv2.weight"), ([false; 3], 6, 1, 64));
    assert_eq!(fact("fc.weight"), ([false, true, false], 0, 1, 1));
    assert!(vgg(11, 8, 10).layers.iter().all(|layer| layer.block == 0));
}

#[test]
fn multiply_adds_by_hand() {
    // VGG-16, 3×32×32: sides 32, 16, 8, 4, 2.
    let conv = |into: u64, out: u64, side: u64| into * out * 9 * side * side;
    let hand = conv(3, 64, 32)
        + conv(64, 64, 32)
        + conv(64, 128, 16)
        + conv(128, 128, 16)
        + conv(128, 256, 8)
        + 2 * conv(256, 256, 8)
        + conv(256, 512, 4)
        + 2 * conv(512, 512, 4)
        + 3 * conv(512, 512, 2)
        + 512 * 10;
    assert_eq!(vgg(16, 64, 10).multiply_adds(), hand);
    // ResNet-8 width 16 on 1×14×14: sides 14, 7, 4.
    let net = Architecture::resnet(8, 16, 10, [1, 14, 14])
        .build()
        .unwrap();
    let hand = conv(1, 16, 14)
        + 2 * conv(16, 16, 14)
        + conv(16, 32, 7)
        + conv(32, 32, 7)
        + 16 * 32 * 49
        + conv(32, 64, 4)
        + conv(64, 64, 4)
        + 32 * 64 * 16
        + 640;
    assert_eq!(net.multiply_adds(), hand);
    let rows = net.describe();
    assert_eq!(rows.iter().map(|row| row.multiply_adds).sum::<u64>(), hand);
    let weights: u64 = rows.iter().map(|row| row.weights).sum();
    assert_eq!(weights, net.prunable_weights());
}

/// The shape that a node's operation gives, from the shapes of its inputs and parameters.
fn shape_after(net: &Network, node: usize) -> [usize; 3] {
    let inputs = &net.nodes[node].inputs;
    let from = |k: usize| net.nodes[inputs[k]].output;
    let shape = |parameter: usize| net.parameters[parameter].shape.as_slice();
    match &net.nodes[node].op {
        Op::Input => net.architecture.input.map(|side| side as usize),
        Op::Conv {
            weight,
            bias,
            kernel,
            stride,
            padding,
            groups,
        } => {
            let [channels, height, width] = from(0);
            let out = shape(*weight)[0];
            assert_eq!(
                shape(*weight),
                [out, channels / groups, *kernel, *kernel],
                "node {node}"
            );
            assert!(bias.is_none_or(|bias| shape(bias) == [out]));
            let after = |side: usize| (side + 2 * padding - kernel) / stride + 1;
            [out, after(height), after(width)]
        }
        Op::BatchNorm {
            weight,
            bias,
            mean,
            var,
        } => {
            for parameter in [weight, bias, mean, var] {
                assert_eq!(shape(*parameter), [from(0)[0]], "node {node}");
            }
            from(0)
        }
        Op::Activation | Op::Relu6 => from(0),
        Op::Add => {
            assert_eq!(from(0), from(1), "node {node}");
            from(0)
        }
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } => {
            let after = |side: usize| (side + 2 * padding - kernel) / stride + 1;
            [from(0)[0], after(from(0)[1]), after(from(0)[2])]
        }
        Op::GlobalAveragePool => [from(0)[0], 1, 1],
        Op::Linear { weight, bias } => {
            let out = shape(*weight)[0];
            assert_eq!(shape(*weight), [out, from(0).iter().product()]);
            assert_eq!(shape(*bias), [out]);
            [out, 1, 1]
        }
    }
}

#[test]
fn the_graph_fits_together_and_reads_every_parameter_once() {
    let of = |family, depth, width, input| {
        let architecture = Architecture::new(family, depth, width, 7, input);
        architecture.build().expect("a published network")
    };
    let nets = [
        resnet(8, 3, 10),
        resnet(56, 2, 7),
        vgg(13, 5, 10),
        Architecture::vgg(19, 4, 2, [1, 64, 48]).build().unwrap(),
        Architecture::resnet(20, 4, 2, [5, 9, 31]).build().unwrap(),
        of(Family::Wrn, 16, 32, [3, 32, 32]),
        of(Family::ResnetImagenet, 50, 8, [3, 97, 64]),
        of(Family::MobilenetV2, 53, 8, [3, 96, 97]),
        of(Family::Lenet300, 3, 20, [1, 7, 9]),
        of(Family::Lenet5, 4, 3, [1, 28, 31]),
    ];
    for net in nets {
        let mut reads = vec![0; net.parameters.len()];
        for (index, node) in net.nodes.iter().enumerate() {
            assert!(node.inputs.iter().all(|&input| input < index));
            assert_eq!(node.output, shape_after(&net, index), "node {index}");
            let read = match node.op {
                Op::Conv { weight, bias, .. } => [Some(weight), bias, None, None],
                Op::BatchNorm {
                    weight,
                    bias,
                    mean,
                    var,
                } => [weight, bias, mean, var].map(Some),
                Op::Linear { weight, bias } => [Some(weight), Some(bias), None, None],
                _ => [None; 4],
            };
            read.into_iter().flatten().for_each(|p| reads[p] += 1);
        }
        assert!(reads.iter().all(|&n| n == 1));
        let logits = net.nodes.last().expect("nodes").output;
        assert_eq!(logits, [net.architecture.classes as usize, 1, 1]);
        let classifiers = net.layers.iter().filter(|layer| layer.classifier);
        assert!(classifiers.map(|layer| layer.role).eq([LayerRole::Linear]));
        let firsts = net.layers.iter().map(|layer| layer.first);
        assert!(firsts.eq((0..net.layers.len()).map(|at| at == 0)));
    }
}

fn refused(architecture: Architecture, expect: &str) {
    let error = architecture.build().expect_err("a misfit");
    assert_eq!(error.to_string(), expect);
}

#[test]
fn a_depth_that_is_none_names_the_nearest() {
    let depth = |family, depth| Architecture {
        family,
        ..Architecture::resnet(depth, 16, 10, [3, 32, 32])
    };
    for (wrong, nearest) in [
        (1, 8),
        (2, 8),
        (9, 8),
        (21, 20),
        (24, 26),
        (54, 56),
        (1201, 1202),
    ] {
        let message = format!(
            "network `depth`: a resnet has depth 6n+2 (8, 14, 20, ...), found {wrong}; the nearest is {nearest}"
        );
        refused(depth(Family::Resnet, wrong), &message);
    }
    for (wrong, nearest) in [(1, 11), (12, 11), (15, 16), (18, 19), (100, 19)] {
        let message = format!(
            "network `depth`: a vgg has depth 11, 13, 16 or 19, found {wrong}; the nearest is {nearest}"
        );
        refused(depth(Family::Vgg, wrong), &message);
    }
}

#[test]
fn an_image_that_shrinks_below_a_kernel_names_the_layer() {
    refused(
        Architecture::vgg(16, 64, 10, [1, 28, 28]),
        "layer `features.34.weight`: every weight of a 3×3 kernel of stride 1 must meet the image, not padding only, but an image of 28×28 has shrunk to 1×1 there; use images of at least 32×32 (`pad_to`)",
    );
    refused(
        Architecture::vgg(11, 64, 10, [1, 8, 64]),
        "layer `features.15.weight`: every weight of a 3×3 kernel of stride 1 must meet the image, not padding only, but an image of 8×64 has shrunk to 1×8 there; use images of at least 32×32 (`pad_to`)",
    );
    refused(
        Architecture::resnet(8, 16, 10, [1, 4, 4]),
        "layer `layer3.0.conv1.weight`: every weight of a 3×3 kernel of stride 2 must meet the image, not padding only, but an image of 4×4 has shrunk to 2×2 there; use images of at least 5×5 (`pad_to`)",
    );
    assert!(Architecture::vgg(16, 64, 10, [1, 31, 32]).build().is_err());
    assert!(Architecture::vgg(16, 64, 10, [1, 32, 32]).build().is_ok());
    assert!(Architecture::resnet(8, 16, 10, [1, 5, 5]).build().is_ok());
}

#[test]
fn sizes_out_of_range_name_the_field() {
    let base = || Architecture::resnet(8, 16, 10, [1, 14, 14]);
    let no_width = Architecture { width: 0, ..base() };
    refused(no_width, "network `width`: expected 1 to 1024, found 0");
    let one_class = Architecture {
        classes: 1,
        ..base()
    };
    refused(
        one_class,
        "network `classes`: expected 2 to 1000000, found 1",
    );
    let wide = Architecture {
        input: [1, 14, u32::MAX],
        ..base()
    };
    refused(
        wide,
        "network `input width`: expected 1 to 4096, found 4294967295",
    );
    let deep = Architecture {
        depth: u32::MAX,
        ..base()
    };
    refused(
        deep,
        "network `depth`: expected 1 to 1202, found 4294967295",
    );
}

#[test]
fn an_architecture_is_written_as_in_a_study_file() {
    let text = "family = \"vgg\"\ndepth = 11\nwidth = 8\nclasses = 10\ninput = [1, 32, 32]";
    let read: Architecture = toml::from_str(text).unwrap();
    assert_eq!(read, Architecture::vgg(11, 8, 10, [1, 32, 32]));
    let again: Architecture = toml::from_str(&toml::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    let misspelt = text.replace("width", "widht");
    assert!(toml::from_str::<Architecture>(&misspelt).is_err());
}
