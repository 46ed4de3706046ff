//! One object: hashed, parsed as what it is read as, told in words.
use super::{
    Tracer,
    node::{Link, Mark},
};
use jackpot_data::Images;
use jackpot_net::Network;
use jackpot_prune::{Mask, Scores};
use jackpot_store::{Digest, Look, canonical};
use jackpot_study::{Error, outputs};
use safetensors::SafeTensors;

impl Tracer<'_> {
    /// The bytes of an object; `Err` says what is wrong.
    pub(super) fn bytes(&mut self, digest: &Digest) -> Result<Result<Vec<u8>, String>, Error> {
        Ok(match self.store.look(digest).map_err(Error::from_store)? {
            Look::Sound(bytes) => {
                self.hashed.insert(*digest, bytes.len() as u64);
                Ok(bytes)
            }
            Look::Absent => Err(format!("the object {digest} is not in the store")),
            Look::Damaged(found) => Err(format!("the object {digest}: {found}")),
        })
    }

    /// An object by itself: its bytes, and that they are what it is read as.
    pub(super) fn leaf(
        &mut self,
        role: &str,
        digest: &Digest,
        network: Option<&Network>,
    ) -> Result<Link, Error> {
        let (words, mark) = match self.bytes(digest)? {
            Err(what) => (String::new(), Mark::Wrong(vec![what])),
            Ok(bytes) => match content(role, &bytes, network) {
                Ok(words) => (words, Mark::Sound),
                Err(what) => (size(&bytes), Mark::Wrong(vec![what])),
            },
        };
        Ok(Link {
            role: role.to_owned(),
            hash: *digest,
            words,
            mark,
            from: Vec::new(),
        })
    }

    /// What an object is that nothing says the role of.
    pub(super) fn kind_of(&mut self, digest: &Digest) -> Result<String, Error> {
        let Ok(bytes) = self.bytes(digest)? else {
            return Ok("object".to_owned());
        };
        let kind = if Mask::from_bytes(&bytes).is_ok() {
            "mask"
        } else if bytes.starts_with(b"\x7fELF") {
            "plugin"
        } else if SafeTensors::deserialize(&bytes).is_ok() {
            "weights"
        } else {
            match canonical::parse(&bytes) {
                Ok(value) if value.get("kind").is_some() => "recipe",
                Ok(value) if value.get("wall_seconds").is_some() => "record",
                _ => "object",
            }
        };
        Ok(kind.to_owned())
    }
}

/// What bytes are that are read in this role; `Err`: they are not that.
fn content(role: &str, bytes: &[u8], network: Option<&Network>) -> Result<String, String> {
    let host = |failure: jackpot_protocol::Failure| failure.message;
    match (role, network) {
        ("mask" | "within" | "donor", network) => {
            let mask = match network {
                Some(network) => outputs::mask(bytes, network).map_err(host)?,
                None => Mask::from_bytes(bytes).map_err(|e| e.to_string())?,
            };
            Ok(mask_words(&mask))
        }
        ("metrics", _) => match outputs::metrics(bytes) {
            Ok(m) => Ok(format!(
                "test accuracy {:.2} %, test loss {:.4}, {} weights kept",
                m.accuracy, m.test_loss, m.kept
            )),
            Err(failure) if failure.kind == "diverged" => Ok(failure.message),
            Err(failure) => Err(failure.message),
        },
        ("weights" | "reference" | "checkpoint", Some(network)) => {
            outputs::weights(bytes, network).map_err(host)?;
            Ok(format!("{} tensors", network.parameters.len()))
        }
        ("scores", Some(network)) => {
            Scores::from_safetensors(bytes, network).map_err(|e| e.to_string())?;
            Ok(format!("of {} weights", network.prunable_weights()))
        }
        ("counts", Some(network)) => {
            let counts = outputs::counts(bytes, network).map_err(host)?;
            let all = network.prunable_weights();
            Ok(format!("{} of {all}", counts.iter().sum::<u64>()))
        }
        ("normalisation", _) => {
            let n = outputs::normalisation(bytes).map_err(host)?;
            let rounded: Vec<String> = n.mean.iter().map(|m| format!("{m:.3}")).collect();
            Ok(format!("mean {}", rounded.join(", ")))
        }
        ("train" | "test" | "data", _) => {
            let images = Images::from_safetensors(bytes).map_err(|e| e.to_string())?;
            let [c, h, w] = images.shape();
            Ok(format!("{} images of {c}×{h}×{w}", images.rows()))
        }
        ("plugin", _) => {
            if bytes.starts_with(b"\x7fELF") {
                Ok(format!("shared library, {}", size(bytes)))
            } else {
                Err("expected a shared library, found other bytes".to_owned())
            }
        }
        ("certificate" | "selection" | "record" | "recipe", _) => {
            canonical::parse(bytes).map_err(|e| e.to_string())?;
            Ok(size(bytes))
        }
        _ => Ok(size(bytes)),
    }
}

/// Kept weights in all, and of the first and last layers.
fn mask_words(mask: &Mask) -> String {
    let (kept, all) = (mask.kept(), mask.total());
    let share = 100.0 * kept as f64 / all.max(1) as f64;
    let most = 3;
    let layers: Vec<String> = mask
        .layers
        .iter()
        .take(most)
        .map(|l| l.count().to_string())
        .collect();
    let rest = if mask.layers.len() > most {
        format!(" … over {} layers", mask.layers.len())
    } else {
        String::new()
    };
    format!(
        "{kept} of {all} kept ({share:.2} %): {}{rest}",
        layers.join(" + ")
    )
}

fn size(bytes: &[u8]) -> String {
    match bytes.len() {
        n if n < 10_000 => format!("{n} bytes"),
        n if n < 10_000_000 => format!("{} kB", n / 1000),
        n => format!("{} MB", n / 1_000_000),
    }
}
