//! What promises are called, and of which outputs they can be made.
use crate::{Kind, Output};
use jackpot_abi as abi;

/// Every promise and its name in messages and certificates.
pub const NAMES: [(u32, &str); 8] = [
    (abi::JKP_KEEPS_LAYER_COUNTS, "keeps-layer-counts"),
    (abi::JKP_KEEPS_TOTAL_COUNT, "keeps-total-count"),
    (abi::JKP_KEEPS_MULTISET, "keeps-multiset"),
    (abi::JKP_KEEPS_KEPT_MULTISET, "keeps-kept-multiset"),
    (abi::JKP_CHANGES_OUTPUT, "changes-output"),
    (abi::JKP_ROWWISE, "rowwise"),
    (abi::JKP_NESTED, "nested"),
    (abi::JKP_CHANGES_STRUCTURE, "changes-structure"),
];

/// Whether a promise can be verified on this output.
pub fn applies(bit: u32, kind: Kind, output: Output) -> bool {
    use Output::*;
    match (kind, bit) {
        (Kind::Check, abi::JKP_CHANGES_OUTPUT) => true,
        (Kind::Check, abi::JKP_KEEPS_MULTISET) => output != Subset,
        (Kind::Check, abi::JKP_CHANGES_STRUCTURE) => !matches!(output, Subset | Counts),
        (Kind::Check, abi::JKP_KEEPS_LAYER_COUNTS) => output == Masks,
        (Kind::Check, abi::JKP_KEEPS_TOTAL_COUNT) => output == Masks,
        (Kind::Check, abi::JKP_KEEPS_KEPT_MULTISET) => output == Weights,
        (Kind::Check, abi::JKP_ROWWISE) => output == Images,
        (Kind::Method, abi::JKP_KEEPS_TOTAL_COUNT) => matches!(output, Masks | Counts),
        (Kind::Method, abi::JKP_NESTED) => matches!(output, Masks | Scores),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promise_has_one_name_and_an_output_it_can_be_held_to() {
        let mut bits = 0;
        for (bit, name) in NAMES {
            assert_eq!(bits & bit, 0, "{name} twice");
            bits |= bit;
            let outputs = [
                Output::Scores,
                Output::Masks,
                Output::Counts,
                Output::Weights,
                Output::Images,
                Output::Labels,
                Output::Subset,
            ];
            let anywhere = outputs
                .iter()
                .any(|o| applies(bit, Kind::Check, *o) || applies(bit, Kind::Method, *o));
            assert!(anywhere, "{name}");
        }
        assert_eq!(bits, 255);
        assert!(!applies(
            abi::JKP_CHANGES_OUTPUT,
            Kind::Method,
            Output::Scores
        ));
    }
}
