//! Compiles the C++ shim and tells the linker where libtorch lies.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys found libtorch; it tells its direct dependents the folder of the libraries.
    let Some(libraries) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        panic!("torch-sys did not say where libtorch is; run `make setup`");
    };
    compile_shim(&libraries);
    link_libtorch(&libraries);
}

/// The few libtorch calls that tch doesn't offer: see src/native.
fn compile_shim(libraries: &Path) {
    let include = libraries.join("../include");
    println!("cargo:rerun-if-changed=src/native/shim.cpp");
    println!("cargo:rerun-if-changed=src/native/shim.h");
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .warnings(false)
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        .file("src/native/shim.cpp")
        .compile("chestxr_shim");
}

/// Binaries, tests and benches find libtorch where it was at build time, or in `lib` beside their `bin`.
fn link_libtorch(libraries: &Path) {
    let libraries = libraries.canonicalize().unwrap_or_else(|_| libraries.to_path_buf());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", libraries.display());
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib");
}
