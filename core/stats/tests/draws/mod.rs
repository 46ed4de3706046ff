//! Normal draws that are the same on every machine.

use jackpot_rng::{Key, normal};

/// Normal draws of the house's counter-based generator.
pub struct Draws {
    key: Key,
    block: Vec<f32>,
    next: usize,
}

impl Draws {
    pub fn new(name: &str) -> Draws {
        Draws {
            key: Key::from_seed(7).fold_name(name),
            block: Vec::new(),
            next: 0,
        }
    }

    pub fn normal(&mut self) -> f64 {
        let place = self.next % 4096;
        if place == 0 {
            self.block.resize(4096, 0.0);
            normal(self.key.fold(self.next as u64), &mut self.block);
        }
        self.next += 1;
        f64::from(self.block[place])
    }
}
