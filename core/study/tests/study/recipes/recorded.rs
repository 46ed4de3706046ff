//! Recipes that the store holds are read back whole, or refused by the field that is not
//! understood. The golden recipes are the truth: their keys are `sha256sum`'s.

use jackpot_store::Digest;
use jackpot_study::Recipe;

const GOLDEN: &str = include_str!("golden_recipes.txt");

fn golden() -> Vec<&'static str> {
    let lines: Vec<_> = GOLDEN.lines().filter(|l| l.starts_with('{')).collect();
    assert!(lines.len() >= 10, "{} recipes", lines.len());
    lines
}

fn read(text: &str) -> Result<Recipe, String> {
    let key = Digest::of(text.as_bytes());
    Recipe::read(&key, text.as_bytes()).map_err(|e| e.to_string())
}

#[test]
fn every_golden_recipe_is_read_back_to_its_key() {
    for line in golden() {
        let recipe = read(line).unwrap();
        assert_eq!(recipe.key().unwrap(), Digest::of(line.as_bytes()), "{line}");
    }
}

#[test]
fn a_recipe_of_another_version_is_refused_by_its_field() {
    let check = |from: &str, to: &str, words: &str| {
        let line = golden().into_iter().find(|l| l.contains(from)).unwrap();
        let error = read(&line.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(words), "{error}");
    };
    check("\"revision\":1", "\"revision\":2", "expected revision 1 of");
    check("\"kind\":\"init\"", "\"kind\":\"inot\"", "inot");
    check(
        "{\"architecture\"",
        "{\"alien\":1,\"architecture\"",
        "`alien`",
    );
    check("\"on\":\"mask\"", "\"on\":\"moon\"", "found `moon`");
    // Canonical JSON, but a spelling of a value that no version writes.
    check("\"batch\":64", "\"batch\":\"64\"", "64");
}
