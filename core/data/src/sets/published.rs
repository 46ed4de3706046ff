//! The published files of each data set: what they hold, their sizes and sums.

use crate::formats::idx::Shape;
use crate::{Error, info};

/// Length and sha256 of one published form of a file, as hexadecimal digits.
pub(crate) struct Fingerprint {
    pub(crate) bytes: usize,
    pub(crate) sha256: &'static str,
}

/// A published file: what it holds, and its known forms.
pub(crate) struct Published {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// As distributed, in gzip.
    pub(crate) packed: Option<Fingerprint>,
    /// The sha256 of the unpacked IDX stream.
    pub(crate) unpacked: Option<&'static str>,
}

impl Published {
    const fn known(
        name: &'static str,
        shape: Shape,
        bytes: usize,
        sha256: &'static str,
        unpacked: Option<&'static str>,
    ) -> Published {
        Published {
            name,
            shape,
            packed: Some(Fingerprint { bytes, sha256 }),
            unpacked,
        }
    }
}

const fn images(rows: u32) -> Shape {
    Shape::Images {
        rows,
        height: 28,
        width: 28,
    }
}

const fn labels(rows: u32) -> Shape {
    Shape::Labels { rows, classes: 10 }
}

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// Sums computed from the files themselves, which also have the publisher's MD5 sums.
#[rustfmt::skip]
pub(crate) static FASHION_MNIST: [Published; 4] = [
    Published::known(TRAIN_IMAGES, images(60_000), 26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        Some("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")),
    Published::known(TRAIN_LABELS, labels(60_000), 29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        Some("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9")),
    Published::known(TEST_IMAGES, images(10_000), 4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        Some("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b")),
    Published::known(TEST_LABELS, labels(10_000), 5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        Some("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34")),
];

/// Packed sums: TensorFlow Datasets' `url_checksums/mnist.txt`. Unpacked: several public
/// listings that agree.
#[rustfmt::skip]
static MNIST: [Published; 4] = [
    Published::known(TRAIN_IMAGES, images(60_000), 9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        Some("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")),
    Published::known(TRAIN_LABELS, labels(60_000), 28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        Some("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")),
    Published::known(TEST_IMAGES, images(10_000), 1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        Some("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7")),
    Published::known(TEST_LABELS, labels(10_000), 4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        Some("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")),
];

/// Packed sums: TensorFlow Datasets' `url_checksums/kmnist.txt`. Unpacked: not known.
#[rustfmt::skip]
static KMNIST: [Published; 4] = [
    Published::known(TRAIN_IMAGES, images(60_000), 18_165_135,
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", None),
    Published::known(TRAIN_LABELS, labels(60_000), 29_497,
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", None),
    Published::known(TEST_IMAGES, images(10_000), 3_041_136,
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", None),
    Published::known(TEST_LABELS, labels(10_000), 5_120,
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", None),
];

/// The embedded files, byte for byte the published ones.
pub(crate) static EMBEDDED: [(&str, &[u8]); 2] = [
    (
        "t10k-images-idx3-ubyte.gz",
        include_bytes!(
            "../../../../artifacts/datasets/fashion-mnist-10k/t10k-images-idx3-ubyte.gz"
        ),
    ),
    (
        "t10k-labels-idx1-ubyte.gz",
        include_bytes!(
            "../../../../artifacts/datasets/fashion-mnist-10k/t10k-labels-idx1-ubyte.gz"
        ),
    ),
];

/// The published files of a set, in the order of the set.
pub(crate) fn published(set: &str) -> Result<&'static [Published], Error> {
    Ok(match info(set)?.name {
        "mnist" => &MNIST,
        "kmnist" => &KMNIST,
        "fashion-mnist-10k" => &FASHION_MNIST[2..],
        _ => &FASHION_MNIST,
    })
}
