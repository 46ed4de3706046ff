//! `jackpot import`
use crate::{Places, study};
use anyhow::{Context, Result};
use std::{path::PathBuf, process::ExitCode};

#[derive(clap::Args)]
pub struct Arguments {
    /// A PyTorch state_dict as safetensors, in F32, F64, F16 or BF16
    #[arg(value_name = "WEIGHTS")]
    file: PathBuf,
    #[command(flatten)]
    network: crate::network::NetworkChoice,
}

pub fn run(places: &Places, arguments: &Arguments) -> Result<ExitCode> {
    let network = arguments.network.build()?;
    let wrong = || arguments.file.display().to_string();
    let bytes = std::fs::read(&arguments.file).with_context(wrong)?;
    let state = jackpot_net::read_state_dict(&network, &bytes).with_context(wrong)?;
    let store = study::store_to_fill(places)?;
    let object = store.put(&state.bytes)?;
    for note in &state.notes {
        println!("note: {note}");
    }
    let numbers = |p: &jackpot_net::Parameter| p.shape.iter().product::<usize>();
    println!(
        "{} tensors, {} numbers, of which {} are prunable weights of {} layers",
        network.parameters.len(),
        network.parameters.iter().map(numbers).sum::<usize>(),
        network.prunable_weights(),
        network.layers.len()
    );
    println!("in a study: scores = {{ method = \"…\", of = {{ object = \"{object}\" }} }}");
    println!("        or: start = {{ object = \"{object}\" }}");
    println!("object {object}");
    Ok(ExitCode::SUCCESS)
}
