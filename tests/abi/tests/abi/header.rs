//! `jackpot.h` compiles everywhere it says, without a warning.
use crate::build::{compiler, root, run};
use std::fs;
use std::process::Output;

const PROGRAM: &str = r#"#include "jackpot.h"
#include "jackpot.h"
int main(void) {
  jkp_run run = {};
  return JKP_HAS(&run, jkp_run, keep_count) || jkp_config(&run, "none") != NULL;
}
"#;

/// Compiles `program` with `header` beside it.
fn compile(header: &str, program: &str, cxx: bool, standard: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let source = if cxx { "main.cpp" } else { "main.c" };
    fs::write(folder.path().join("jackpot.h"), header).unwrap();
    fs::write(folder.path().join(source), program).unwrap();
    let mut command = if cxx {
        compiler("CXX", "c++")
    } else {
        compiler("CC", "cc")
    };
    run(command
        .args([
            "-Wall",
            "-Wextra",
            "-Wpadded",
            "-pedantic",
            "-Werror",
            standard,
        ])
        .args([source, "-o", "main"])
        .current_dir(folder.path()))
}

/// Compiles, or says what the compiler said.
fn check(program: &str, cxx: bool, standard: &str) {
    let output = compile(&header(), program, cxx, standard);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{standard}: {said}");
}

fn header() -> String {
    fs::read_to_string(root().join("core/abi/include/jackpot.h")).unwrap()
}

#[test]
fn the_header_compiles_as_c() {
    let program = PROGRAM.replace("= {}", "= {0}");
    for standard in ["-std=c11", "-std=c17"] {
        check(&program, false, standard);
    }
}

#[test]
fn the_header_compiles_as_cpp() {
    for standard in ["-std=c++17", "-std=c++20"] {
        check(PROGRAM, true, standard);
    }
}

#[test]
fn the_header_takes_the_tensor_of_dlpack_if_that_came_first() {
    // dlpack.h 1.x, as far as it matters here.
    let dlpack = r#"#define DLPACK_DLPACK_H_
#include <stdint.h>
typedef struct { int32_t device_type; int32_t device_id; } DLDevice;
typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType;
typedef struct { void *data; DLDevice device; int32_t ndim; DLDataType dtype;
                 int64_t *shape; int64_t *strides; uint64_t byte_offset; } DLTensor;
"#;
    let program = format!("{dlpack}{}", PROGRAM.replace("= {}", "= {0}"));
    check(&program, false, "-std=c11");
    let shorter = program.replace("uint64_t byte_offset;", "");
    let output = compile(&header(), &shorter, false, "-std=c11");
    assert!(String::from_utf8_lossy(&output.stderr).contains("DLPack 1.x layout"));
}

#[test]
fn a_header_with_a_hole_or_without_its_guard_is_noticed() {
    let program = PROGRAM.replace("= {}", "= {0}");
    let holed = header().replacen(
        "uint32_t rounds_hint;",
        "uint64_t more; uint32_t rounds_hint;",
        1,
    );
    let holed = holed.replacen("uint32_t reserved;\n} jkp_item;", "} jkp_item;", 1);
    let unguarded = header().replace("#ifndef JACKPOT_H", "#if 1");
    for (broken, complaint) in [(holed, "padding"), (unguarded, "redefinition")] {
        let output = compile(&broken, &program, false, "-std=c11");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(complaint),
            "{said}"
        );
    }
}
