//! The tensors that an item writes: poisoned before the call, looked at after it.
use super::memory::Guarded;
use super::problem::{Input, RunInputs, Tensors, layer_tensors, tensor};
use jackpot_abi as abi;
use jackpot_protocol::{Failure, Output, PluginJob};

/// Bytes that stand for "not written": two patterns, so that one of them must show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Poison {
    First,
    Second,
}

impl Poison {
    fn byte(self) -> u8 {
        match self {
            Poison::First => 0xA5,
            Poison::Second => 0x5A,
        }
    }

    /// One unwritten element. Of floats a signalling NaN, which no arithmetic yields; of 0/1
    /// bytes, labels and counts a value that is never valid.
    fn element(self, dtype: abi::jkp_dl_dtype) -> Vec<u8> {
        let byte = self.byte();
        let mut element = vec![byte; usize::from(dtype.bits / 8)];
        let low = u8::from(self == Poison::Second);
        match dtype {
            abi::DL_F32 => element = (0x7FA0_A5A4_u32 + u32::from(low)).to_le_bytes().into(),
            abi::DL_F64 => {
                element = (0x7FF4_A5A5_A5A5_A5A4_u64 + u64::from(low))
                    .to_le_bytes()
                    .into();
            }
            _ => {}
        }
        element
    }
}

/// One tensor over the rows of a data set.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    role: u32,
    dtype: abi::jkp_dl_dtype,
}
const IMAGES: Column = Column {
    name: "images",
    role: abi::JKP_IMAGE,
    dtype: abi::DL_U8,
};
const LABELS: Column = Column {
    name: "labels",
    role: abi::JKP_LABEL,
    dtype: abi::DL_I64,
};
const SUBSET: Column = Column {
    name: "subset",
    role: abi::JKP_OTHER,
    dtype: abi::DL_U8,
};

/// Outputs (and inputs) of one call: all layers, or one block of rows.
pub(super) struct Block {
    pub(super) input: Option<Tensors>,
    pub(super) out: Tensors,
    pub(super) first_row: u64,
    outputs: Vec<(String, Guarded)>,
    dtype: abi::jkp_dl_dtype,
    /// Block-wise inputs live as long as the block.
    _inputs: Vec<Guarded>,
}

/// Rows of each call: images come in blocks, everything else at once.
pub(super) fn ranges(
    output: Output,
    problem: &RunInputs,
    block: usize,
) -> Vec<std::ops::Range<usize>> {
    let rows = match &problem.input {
        Input::Images(images) => images.rows(),
        _ => 0,
    };
    match output {
        Output::Images => (0..rows)
            .step_by(block)
            .map(|r| r..rows.min(r + block))
            .collect(),
        _ => std::iter::once(0..rows).collect(),
    }
}

impl Block {
    pub(super) fn new(
        job: &PluginJob,
        problem: &RunInputs,
        rows: std::ops::Range<usize>,
        poison: Poison,
    ) -> Result<Block, Failure> {
        match &problem.input {
            Input::Images(images) => Block::of_rows(job.item.output, images, rows, poison),
            Input::Layers(tensors) => {
                Block::of_layers(job.item.output, problem, Some(tensors), poison)
            }
            Input::None => Block::of_layers(job.item.output, problem, None, poison),
        }
    }

    fn of_layers(
        output: Output,
        problem: &RunInputs,
        input: Option<Tensors>,
        poison: Poison,
    ) -> Result<Block, Failure> {
        let dtype = match output {
            Output::Masks => abi::DL_U8,
            Output::Weights => abi::DL_F32,
            Output::Counts => abi::DL_I64,
            _ => abi::DL_F64,
        };
        let (mut outputs, mut data) = (Vec::new(), Vec::new());
        for layer in &problem.network.layers {
            let n = if output == Output::Counts {
                1
            } else {
                layer.len()
            };
            let (name, buffer) = poisoned(&layer.name, n, dtype, poison)?;
            data.push(buffer.pointer().cast());
            outputs.push((name, buffer));
        }
        let out = match output {
            Output::Counts => {
                let one = |(layer, &data): (&jackpot_net::Layer, &_)| -> *const abi::jkp_tensor {
                    let count = tensor(
                        &layer.name,
                        abi::JKP_OTHER,
                        abi::JKP_WRITABLE,
                        dtype,
                        &[1],
                        data,
                    );
                    Box::leak(Box::new(count))
                };
                Box::leak(problem.network.layers.iter().zip(&data).map(one).collect())
            }
            _ => layer_tensors(&problem.network, dtype, &data, true),
        };
        Ok(Block {
            input,
            out,
            first_row: 0,
            outputs,
            dtype,
            _inputs: Vec::new(),
        })
    }

    fn of_rows(
        output: Output,
        images: &jackpot_data::Images,
        rows: std::ops::Range<usize>,
        poison: Poison,
    ) -> Result<Block, Failure> {
        let count = rows.len();
        let first_row = rows.start as u64;
        let image = [images.channels, images.height, images.width].map(|n| n as usize);
        let pixels: usize = image.iter().product();
        let labels = || {
            images.labels[rows.clone()]
                .iter()
                .flat_map(|l| l.to_le_bytes())
        };
        let (source, bytes, shape) = match output {
            Output::Images => {
                let bytes = images.pixels[rows.start * pixels..rows.end * pixels].to_vec();
                (IMAGES, bytes, vec![count, image[0], image[1], image[2]])
            }
            _ => (LABELS, labels().collect(), vec![count]),
        };
        let result = if output == Output::Subset {
            SUBSET
        } else {
            source
        };
        let input = Guarded::read_only(&bytes, format!("input `{}`", source.name))?;
        let elements = shape.iter().product();
        let (label, buffer) = poisoned(result.name, elements, result.dtype, poison)?;
        let one = |column: Column, flags: u32, data: *mut u8| -> Tensors {
            let Column { name, role, dtype } = column;
            let tensor = tensor(name, role, flags, dtype, &shape, data.cast());
            let tensor: *const abi::jkp_tensor = Box::leak(Box::new(tensor));
            Box::leak(Box::new([tensor]))
        };
        Ok(Block {
            input: Some(one(source, 0, input.pointer())),
            out: one(result, abi::JKP_WRITABLE, buffer.pointer()),
            first_row,
            outputs: vec![(label, buffer)],
            dtype: result.dtype,
            _inputs: vec![input],
        })
    }

    /// Whether the plugin stayed inside.
    pub(super) fn check_canaries(&self) -> Result<(), Failure> {
        self.outputs
            .iter()
            .try_for_each(|(_, buffer)| buffer.check_canaries())
    }

    /// Whether anything is still poison. Of images any byte is valid, so those are only
    /// settled by a second run with the other pattern.
    pub(super) fn check_written(&self, output: Output, poison: Poison) -> Result<(), Failure> {
        if output == Output::Images {
            return Ok(());
        }
        let element = poison.element(self.dtype);
        for (name, buffer) in &self.outputs {
            let elements = buffer.bytes().chunks_exact(element.len());
            let total = elements.len();
            let mut unwritten = elements.enumerate().filter(|(_, e)| *e == element);
            if let Some((first, _)) = unwritten.next() {
                let count = 1 + unwritten.count();
                return Err(Failure::new(
                    "unwritten",
                    format!(
                        "left {count} of {total} values of {name} unwritten (the first is {first})"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Poisons the outputs anew in the same memory, because another round begins.
    pub(super) fn poison(&mut self, poison: Poison) {
        let element = poison.element(self.dtype);
        for (_, buffer) in &mut self.outputs {
            fill(buffer, &element);
        }
    }

    /// f64 outputs as numbers, one slice a tensor.
    pub(super) fn doubles(&self) -> Vec<&[f64]> {
        assert_eq!(self.dtype, abi::DL_F64, "only scores are read as numbers");
        self.outputs
            .iter()
            .map(|(_, buffer)| {
                // SAFETY: any bytes are valid numbers; guarded data is 64-byte aligned and
                // holds whole elements, so nothing is left over at either end.
                let (_, numbers, _) = unsafe { buffer.bytes().align_to::<f64>() };
                numbers
            })
            .collect()
    }

    /// The outputs' bytes, one tensor after the other.
    pub(super) fn append_to(&self, raw: &mut Vec<u8>) {
        self.outputs
            .iter()
            .for_each(|(_, buffer)| raw.extend_from_slice(buffer.bytes()));
    }
}

/// A buffer of unwritten elements and its name in messages.
fn poisoned(
    name: &str,
    elements: usize,
    dtype: abi::jkp_dl_dtype,
    poison: Poison,
) -> Result<(String, Guarded), Failure> {
    let name = format!("output `{name}`");
    let element = poison.element(dtype);
    let mut buffer = Guarded::new(elements * element.len(), name.clone())?;
    fill(&mut buffer, &element);
    Ok((name, buffer))
}

fn fill(buffer: &mut Guarded, element: &[u8]) {
    for to in buffer.bytes_mut().chunks_exact_mut(element.len()) {
        to.copy_from_slice(element);
    }
}

/// Two runs of the same job must write the same bytes.
pub(super) fn compare(first: &[u8], second: &[u8], rowwise: bool) -> Result<(), Failure> {
    let differing = |at: &usize| first[*at] != second[*at];
    let all: Vec<usize> = (0..first.len().min(second.len()))
        .filter(differing)
        .collect();
    let Some(&at) = all.first() else {
        return Ok(());
    };
    let unwritten = all
        .iter()
        .all(|&i| first[i] == Poison::First.byte() && second[i] == Poison::Second.byte());
    if unwritten {
        return Err(Failure::new(
            "unwritten",
            format!(
                "left {} byte(s) of its output unwritten (the first is {at})",
                all.len()
            ),
        ));
    }
    let cause = if rowwise {
        "run again with other blocks of rows it wrote other bytes: it promises `rowwise`, but a \
         row depends on its block, or it is no pure function of its run"
    } else {
        "run again on the same input it wrote other bytes: it is no pure function of its run"
    };
    Err(Failure::new(
        "promise",
        format!("{cause} (the first of {} is byte {at})", all.len()),
    ))
}
