//! Every family against its published code: names, shapes, totals, multiply-adds, defaults.

use jackpot_net::{Architecture, Block, Family, LayerRole, Network, NetworkChoice, Stem};

fn choice(name: &str) -> NetworkChoice {
    NetworkChoice::named(name).expect(name)
}

fn built(choice: &NetworkChoice) -> Network {
    let architecture = choice.architecture().expect("a network");
    architecture.build().expect("a network")
}

fn published(name: &str) -> Network {
    built(&choice(name))
}

fn check_state_dict(title: &str, network: &Network) {
    let text = include_str!("families.txt");
    let after = text
        .split("## ")
        .find(|part| part.starts_with(&format!("{title}\n")));
    let expect: Vec<&str> = after.expect(title).lines().skip(1).collect();
    let row = |parameter: &jackpot_net::Parameter| {
        let sides = parameter.shape.iter().map(|side| format!(" {side}"));
        parameter.name.clone() + &sides.collect::<String>()
    };
    let built: Vec<String> = network.parameters.iter().map(row).collect();
    assert_eq!(built, expect, "{title}");
}

#[test]
fn names_and_shapes_are_those_of_the_code_they_are_taken_from() {
    check_state_dict("resnet-imagenet 18", &published("resnet18"));
    check_state_dict("resnet-imagenet 50", &published("resnet50"));
    check_state_dict("mobilenetv2", &published("mobilenetv2"));
    check_state_dict("wrn 16 8", &published("wrn-16-8"));
    // Widen factor 1: the first stage has no projection.
    check_state_dict("wrn 10 1", &published("wrn-10-1"));
    let half = NetworkChoice {
        width: Some(16),
        classes: Some(100),
        ..choice("mobilenetv2")
    };
    check_state_dict("mobilenetv2 half", &built(&half));
}

#[test]
fn totals_are_the_published_ones() {
    for (name, parameters) in [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("mobilenetv2", 3_504_872),
        ("wrn-28-10", 36_479_194),
        ("wrn-16-8", 10_961_370),
        ("wrn-40-4", 8_949_210),
        ("lenet-300-100", 266_610),
        ("lenet-5", 431_080),
    ] {
        assert_eq!(published(name).trained_parameters(), parameters, "{name}");
    }
}

/// Thousands of multiply-adds: torchvision's own figures (`_ops` of its weights) to three
/// digits, and LeNet's by hand.
#[test]
fn multiply_adds_are_the_published_ones() {
    for (name, millions) in [
        ("resnet18", 1814),
        ("resnet34", 3664),
        ("resnet50", 4089),
        ("mobilenetv2", 301),
    ] {
        let rounded = (published(name).multiply_adds() + 500_000) / 1_000_000;
        assert_eq!(rounded, millions, "{name}");
    }
    let lenet = 24 * 24 * 20 * 25 + 8 * 8 * 50 * 20 * 25 + 800 * 500 + 500 * 10;
    assert_eq!(published("lenet-5").multiply_adds(), lenet);
    let dense = 784 * 300 + 300 * 100 + 100 * 10;
    assert_eq!(published("lenet-300-100").multiply_adds(), dense);
}

/// He et al. 2016, table 6: in millions, shortcuts without parameters.
#[test]
fn the_literatures_cifar_resnets_are_basic_blocks_of_width_16() {
    for (depth, exact, table) in [
        (20, 269_722, 27),
        (32, 464_154, 46),
        (44, 658_586, 66),
        (56, 853_018, 85),
        (110, 1_727_962, 173),
    ] {
        let net = built(&NetworkChoice {
            depth: Some(depth),
            width: Some(16),
            block: Block::Basic,
            ..NetworkChoice::of(Family::Resnet)
        });
        let projections = net.layers.iter().filter(|layer| layer.shortcut);
        // Each with a scale and a shift a channel.
        let added: usize = projections.map(|l| l.len() + 2 * l.shape[0]).sum();
        let parameters = net.trained_parameters() - added as u64;
        assert_eq!(parameters, exact, "ResNet-{depth}");
        assert_eq!((parameters + 5_000) / 10_000, table, "ResNet-{depth}");
        assert_eq!(net.layers.len() as u32, depth + 2);
    }
}

#[test]
fn blocks_are_published_unless_said() {
    let shape = |depth, block| {
        let architecture = Architecture {
            block,
            ..Architecture::resnet(depth, 16, 10, [3, 32, 32])
        };
        let layers = architecture.build().expect("a network").layers;
        layers.into_iter().map(|l| l.shape).collect::<Vec<_>>()
    };
    assert_eq!(shape(50, Block::Published), shape(50, Block::Basic));
    assert_ne!(shape(50, Block::Published), shape(50, Block::Bottleneck));
    assert_eq!(shape(56, Block::Published), shape(56, Block::Bottleneck));
    assert_ne!(shape(56, Block::Published), shape(56, Block::Basic));
}

#[test]
fn stems_for_small_images_keep_the_map_and_the_parameters_around_it() {
    let small = |name: &str| NetworkChoice {
        stem: Stem::Small,
        ..choice(name)
    };
    let net = built(&small("resnet18"));
    assert_eq!(net.architecture.input, [3, 32, 32]);
    assert_eq!(net.layers[0].shape, [64, 3, 3, 3]);
    assert_eq!(net.layers[0].uses, 32 * 32);
    let last = |net: &Network| {
        let convs = net
            .layers
            .iter()
            .rev()
            .filter(|l| l.role == LayerRole::Conv);
        convs.map(|l| l.uses).next().expect("a convolution")
    };
    assert_eq!(last(&net), 4 * 4);
    // The usual CIFAR version of ResNet-18: 11,173,962 parameters for 10 classes.
    let cifar = NetworkChoice {
        classes: Some(10),
        ..small("resnet18")
    };
    assert_eq!(built(&cifar).trained_parameters(), 11_173_962);
    let net = built(&small("mobilenetv2"));
    assert_eq!((net.layers[0].uses, last(&net)), (32 * 32, 4 * 4));
    assert_eq!(net.trained_parameters(), 3_504_872);
    assert_eq!(last(&published("mobilenetv2")), 7 * 7);
}

#[test]
fn facts_of_the_layers() {
    let net = published("mobilenetv2");
    let fact = |name: &str| {
        let layer = net.layers.iter().find(|l| l.name == name).expect(name);
        (layer.depthwise, layer.groups, layer.block, layer.stride)
    };
    assert_eq!(fact("features.0.0.weight"), (false, 1, 0, 2));
    assert_eq!(fact("features.1.conv.0.0.weight"), (true, 32, 1, 1));
    assert_eq!(fact("features.2.conv.0.0.weight"), (false, 1, 2, 1));
    assert_eq!(fact("features.2.conv.1.0.weight"), (true, 96, 2, 2));
    assert_eq!(fact("features.18.0.weight"), (false, 1, 0, 1));
    let rows = net.describe();
    assert_eq!(rows[0].role, "conv, first");
    assert_eq!(rows[1].role, "depthwise conv");
    assert_eq!(rows[1].shape, [32, 1, 3, 3]);
    assert_eq!(rows[52].role, "linear, classifier");
    let net = published("wrn-16-8");
    let shortcuts = net.layers.iter().filter(|layer| layer.shortcut);
    let names: Vec<&str> = shortcuts.map(|layer| layer.name.as_str()).collect();
    let expect = [1, 2, 3].map(|stage| format!("block{stage}.layer.0.convShortcut.weight"));
    assert_eq!(names, expect);
    let net = published("lenet-300-100");
    let ends: Vec<_> = net.layers.iter().map(|l| (l.first, l.classifier)).collect();
    assert_eq!(ends, [(true, false), (false, false), (false, true)]);
}

#[test]
fn widths_scale_every_family() {
    for (family, depth, width) in [
        (Family::Resnet, 20, 16),
        (Family::Vgg, 11, 32),
        (Family::Wrn, 16, 32),
        (Family::ResnetImagenet, 18, 32),
        (Family::Lenet300, 3, 150),
        (Family::Lenet5, 4, 8),
        (Family::MobilenetV2, 53, 16),
    ] {
        let of = |width| {
            built(&NetworkChoice {
                depth: Some(depth),
                width,
                ..NetworkChoice::of(family)
            })
        };
        let (narrow, wide) = (of(Some(width)), of(None));
        assert!(narrow.prunable_weights() < wide.prunable_weights());
        assert_eq!(narrow.layers.len(), wide.layers.len());
        assert_eq!(narrow.architecture.width, width);
        assert_eq!(wide.architecture.width, family.published_width());
    }
    // 8, 20, 200.
    let lenet = built(&NetworkChoice {
        width: Some(8),
        ..choice("lenet-5")
    });
    let outs: Vec<usize> = lenet.layers.iter().map(|l| l.shape[0]).collect();
    assert_eq!(outs, [8, 20, 200, 10]);
}

#[test]
fn names_as_people_write_them() {
    let read = |name: &str| {
        let choice = NetworkChoice::named(name)?;
        Some((choice.family.name(), choice.depth, choice.widen))
    };
    for (name, expect) in [
        ("resnet", Some(("resnet", None, None))),
        ("resnet32", Some(("resnet", Some(32), None))),
        ("ResNet-20", Some(("resnet", Some(20), None))),
        ("resnet50", Some(("resnet-imagenet", Some(50), None))),
        ("resnet-18", Some(("resnet-imagenet", Some(18), None))),
        ("resnet-imagenet", Some(("resnet-imagenet", None, None))),
        (
            "resnet-imagenet-34",
            Some(("resnet-imagenet", Some(34), None)),
        ),
        ("vgg16", Some(("vgg", Some(16), None))),
        ("wrn", Some(("wrn", None, None))),
        ("wrn-28", Some(("wrn", Some(28), None))),
        ("wrn-28-10", Some(("wrn", Some(28), Some(10)))),
        ("WRN_40_4", Some(("wrn", Some(40), Some(4)))),
        ("lenet-5", Some(("lenet-5", None, None))),
        ("lenet5", Some(("lenet-5", None, None))),
        ("lenet-300-100", Some(("lenet-300-100", None, None))),
        ("MobileNetV2", Some(("mobilenetv2", None, None))),
        ("mobilenet_v2", Some(("mobilenetv2", None, None))),
        ("lenet", None),
        ("mobilenetv3", None),
        ("resnet32-4", None),
        ("resnet+20", None),
        ("vgg16x", None),
        ("wrn-28-10-1", None),
        ("", None),
        ("é", None),
    ] {
        assert_eq!(read(name), expect, "{name}");
    }
}

#[test]
fn titles_are_those_of_papers() {
    let title = |name: &str| choice(name).architecture().expect(name).title();
    for (name, expect) in [
        ("resnet32", "ResNet-32"),
        ("vgg19", "VGG-19"),
        ("wrn-28-10", "WRN-28-10"),
        ("resnet50", "ResNet-50 for ImageNet"),
        ("lenet-5", "LeNet-5"),
        ("lenet-300-100", "LeNet-300-100"),
        ("mobilenetv2", "MobileNetV2"),
    ] {
        assert_eq!(title(name), expect);
    }
    let basic = Architecture {
        block: Block::Basic,
        ..Architecture::resnet(56, 16, 10, [3, 32, 32])
    };
    assert_eq!(basic.title(), "ResNet-56 of basic blocks");
    let small = Architecture {
        stem: Stem::Small,
        ..Architecture::new(Family::ResnetImagenet, 18, 64, 10, [3, 32, 32])
    };
    assert_eq!(small.title(), "ResNet-18 for small images");
}

#[track_caller]
fn refused(architecture: Architecture, parts: &[&str]) {
    let error = architecture.build().expect_err("a misfit").to_string();
    for part in parts {
        assert!(error.contains(part), "{error}: lacks {part}");
    }
}

#[test]
fn what_does_not_fit_says_what_would() {
    let of = |family, depth, width, input| Architecture::new(family, depth, width, 10, input);
    let cifar = [3, 32, 32];
    refused(of(Family::Wrn, 27, 160, cifar), &["6n+4", "nearest is 28"]);
    refused(
        of(Family::ResnetImagenet, 20, 64, cifar),
        &["18, 34 or 50", "nearest is 18", "a CIFAR ResNet"],
    );
    refused(of(Family::Lenet5, 5, 20, cifar), &["depth 4", "found 5"]);
    refused(
        of(Family::MobilenetV2, 53, 20, cifar),
        &["multiples of 8", "found 20", "nearest is 24"],
    );
    let block = Architecture {
        block: Block::Basic,
        ..of(Family::Vgg, 16, 64, cifar)
    };
    refused(block, &["`block`", "`basic`", "`vgg`"]);
    let stem = Architecture {
        stem: Stem::Small,
        ..of(Family::Resnet, 20, 16, cifar)
    };
    refused(stem, &["`stem`", "`small`", "`resnet`"]);
    let widen = NetworkChoice {
        widen: Some(4),
        ..choice("vgg16")
    };
    let error = widen.architecture().expect_err("no widen factor");
    assert!(error.to_string().contains("`widen`"), "{error}");
    let both = NetworkChoice {
        width: Some(32),
        ..choice("wrn-16-8")
    };
    let error = both.architecture().expect_err("two widths").to_string();
    assert!(error.contains("128") && error.contains("32"), "{error}");
    let none = NetworkChoice::of(Family::Wrn).architecture();
    let error = none.expect_err("no depth").to_string();
    assert!(error.contains("`depth`") && error.contains("6n+4"));
}

/// The size that the error names fits, and one less does not.
#[test]
fn the_smallest_image_that_fits_is_named() {
    let stems = [Stem::Imagenet, Stem::Small];
    let nets = Family::ALL.into_iter().flat_map(|family| {
        let stems = stems
            .into_iter()
            .filter(move |stem| *stem == Stem::Imagenet || family.has_stem());
        stems.map(move |stem| (family, stem))
    });
    for (family, stem) in nets {
        let depth = match family {
            Family::Resnet => 20,
            Family::Vgg => 11,
            Family::Wrn => 16,
            Family::ResnetImagenet => 18,
            _ => family.facts().only_depth.expect("one depth"),
        };
        let of = |side| Architecture {
            stem,
            ..Architecture::new(family, depth, 16, 10, [3, side, side])
        };
        if family == Family::Lenet300 {
            assert!(of(1).build().is_ok(), "any image fits");
            continue;
        }
        let error = of(1).build().expect_err("too small").to_string();
        let other = family.has_stem() && stem == Stem::Imagenet;
        assert_eq!(error.ends_with(" or the stem `small`"), other, "{error}");
        let after = error.split("at least ").nth(1).expect("advice");
        let side: u32 = after.split('×').next().unwrap().parse().unwrap();
        assert!(of(side).build().is_ok(), "{family:?} {side}");
        let error = of(side - 1).build().expect_err("too small").to_string();
        assert!(error.contains(&format!("{side}×{side}")), "{error}");
    }
}

#[test]
fn new_fields_are_written_only_where_they_say_something_new() {
    let old = Architecture::resnet(56, 16, 10, [3, 32, 32]);
    let text = toml::to_string(&old).unwrap();
    let expect = "family = \"resnet\"\ndepth = 56\nwidth = 16\nclasses = 10\ninput = [3, 32, 32]\nactivation = \"relu\"\n";
    assert_eq!(text, expect);
    let basic = Architecture {
        block: Block::Basic,
        ..old
    };
    let text = toml::to_string(&basic).unwrap();
    assert_eq!(text, format!("{expect}block = \"basic\"\n"));
    assert_eq!(toml::from_str::<Architecture>(&text).unwrap(), basic);
    for family in Family::ALL {
        let architecture = Architecture {
            stem: Stem::Small,
            ..Architecture::new(family, 18, 64, 10, [3, 32, 32])
        };
        let text = toml::to_string(&architecture).unwrap();
        assert!(text.contains(&format!("family = \"{}\"", family.name())));
        assert!(text.contains("stem = \"small\""));
        assert_eq!(toml::from_str::<Architecture>(&text).unwrap(), architecture);
    }
}
