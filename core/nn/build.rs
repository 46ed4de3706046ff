//! Lets this crate's tests and benchmarks find libtorch by themselves.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys says where it found the libraries, whatever way it found them.
    let folder = std::env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names its folder");
    let folder = std::fs::canonicalize(&folder).unwrap_or_else(|_| folder.into());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
}
