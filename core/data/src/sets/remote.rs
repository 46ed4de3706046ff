//! Where the sets are published, and what exactly lies there.

use crate::sets::published::{Fingerprint, published};
use crate::{Error, Layout, info, unhex};

/// One file of a set as it can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// `http(s)` address of the folder, with a slash at its end.
    pub folder: &'static str,
    /// Name of the file there.
    pub name: String,
    /// Length of the file.
    pub bytes: u64,
    /// The file's sha256.
    pub sha256: [u8; 32],
    /// For an archive, the folder that it unpacks to: the set's `folder`.
    pub unpacks_to: Option<&'static str>,
}

struct Archive {
    set: &'static str,
    folder: &'static str,
    name: &'static str,
    bytes: u64,
    sha256: &'static str,
    unpacks_to: &'static str,
}

/// Lengths and sums as several public listings give them: the binary CIFAR archives in
/// MLDatasets.jl, gomlx and torchvision-ruby (and, as MD5, on the publisher's page), the
/// Tiny-ImageNet archive in half a dozen repositories.
const ARCHIVES: [Archive; 3] = [
    Archive {
        set: "cifar-10",
        folder: "https://www.cs.toronto.edu/~kriz/",
        name: "cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        unpacks_to: "cifar-10-batches-bin",
    },
    Archive {
        set: "cifar-100",
        folder: "https://www.cs.toronto.edu/~kriz/",
        name: "cifar-100-binary.tar.gz",
        bytes: 168_513_733,
        sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        unpacks_to: "cifar-100-binary",
    },
    Archive {
        set: "tiny-imagenet",
        folder: "http://cs231n.stanford.edu/",
        name: "tiny-imagenet-200.zip",
        bytes: 248_100_043,
        sha256: "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
        unpacks_to: "tiny-imagenet-200",
    },
];

/// The folders of the sets of IDX files: the publishers' own, for MNIST the copy that
/// PyTorch's authors keep.
const IDX: [(&str, &str); 3] = [
    ("mnist", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    (
        "fashion-mnist",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    ("kmnist", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
];

/// The files of a set as they can be downloaded.
///
/// # Errors
/// An unknown set; one that is embedded or cannot be downloaded without its owner's consent.
pub fn remotes(set: &str) -> Result<Vec<Remote>, Error> {
    let info = info(set)?;
    let invalid = |message: String| Err(Error::Invalid(message));
    if info.embedded {
        return invalid(format!(
            "data set `{set}` is built in: there is nothing to fetch"
        ));
    }
    if info.layout == Layout::ImageFolder {
        return invalid(format!(
            "data set `{set}` cannot be fetched: it is a layout for images of one's own; ImageNet itself is given by image-net.org to those who consent to its terms"
        ));
    }
    let sum = |text: &str| unhex(text).expect("a sum of the table has 64 digits");
    if let Some(archive) = ARCHIVES.iter().find(|archive| archive.set == set) {
        return Ok(vec![Remote {
            folder: archive.folder,
            name: archive.name.to_owned(),
            bytes: archive.bytes,
            sha256: sum(archive.sha256),
            unpacks_to: Some(archive.unpacks_to),
        }]);
    }
    let Some((_, folder)) = IDX.iter().find(|(name, _)| *name == set) else {
        return invalid(format!("data set `{set}` has no published address"));
    };
    let remote = |name: &str, packed: &Fingerprint| Remote {
        folder,
        name: format!("{name}.gz"),
        bytes: packed.bytes as u64,
        sha256: sum(packed.sha256),
        unpacks_to: None,
    };
    let files = published(set)?.iter();
    Ok(files
        .filter_map(|file| Some(remote(file.name, file.packed.as_ref()?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list;

    #[test]
    fn every_set_has_addresses_or_says_why_not() {
        for info in list() {
            match remotes(info.name) {
                Ok(files) => {
                    let expected = if info.layout == Layout::Idx { 4 } else { 1 };
                    assert_eq!(files.len(), expected, "{}", info.name);
                    for file in files {
                        assert!(file.folder.starts_with("http") && file.folder.ends_with('/'));
                        assert_eq!(file.unpacks_to.is_none(), info.layout == Layout::Idx);
                    }
                }
                Err(error) => {
                    let message = error.to_string();
                    let expected = if info.embedded {
                        "is built in"
                    } else {
                        "image-net.org"
                    };
                    assert!(message.contains(expected), "{message}");
                }
            }
        }
        assert!(remotes("cifar-11").is_err());
    }
}
