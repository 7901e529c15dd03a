//! Compiles the C++ shim and tells the linker where libtorch lies.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys found libtorch; it tells its direct dependents the folder of the libraries.
    let Some(libraries) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        panic!("torch-sys did not say where libtorch is; run `make setup`");
    };
    println!("cargo:rustc-check-cfg=cfg(chestxr_cuda)");
    if libraries.join("libtorch_cuda.so").exists() {
        println!("cargo:rustc-cfg=chestxr_cuda");
    }
    compile_shim(&libraries);
    link_libtorch(&libraries);
}

/// The few libtorch calls that tch doesn't offer: see src/native.
fn compile_shim(libraries: &Path) {
    let include = libraries.join("../include");
    println!("cargo:rerun-if-changed=src/native");
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++20")
        .warnings(false)
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        .files(["src/native/shim.cpp", "src/native/batch_norm_max_pool_relu.cpp"])
        // It computes: a build for debugging our own code must not make training many times slower.
        .opt_level(3)
        .flag_if_supported("-Wno-psabi");
    // libtorch's threads are those of GCC's OpenMP; another compiler's would be a second set beside them.
    if openmp(libraries).is_some() && build.get_compiler().is_like_gnu() {
        build.flag("-fopenmp");
    }
    build.compile("chestxr_shim");
}

/// The OpenMP library that libtorch's threads belong to; none where libtorch has threads of its own.
fn openmp(libraries: &Path) -> Option<PathBuf> {
    Some(libraries.join("libgomp.so.1")).filter(|library| library.exists())
}

/// Binaries, tests, examples and benches start without LD_LIBRARY_PATH: they look for libtorch where it was
/// at build time, then in `lib` beside their own `bin`.
fn link_libtorch(libraries: &Path) {
    // The way through `.libtorch` would break as soon as the link pointed elsewhere.
    let libraries = libraries.canonicalize().unwrap_or_else(|_| libraries.to_path_buf());
    for name in ["libtorch.so", "libtorch_cpu.so", "libtorch_cuda.so"] {
        let library = libraries.join(name);
        if library.exists() {
            println!("cargo:rerun-if-changed={}", library.display());
        }
    }
    let arg = |text: &str| println!("cargo:rustc-link-arg={text}");
    if let Some(library) = openmp(&libraries) {
        arg(&library.display().to_string());
    }
    arg(&format!("-Wl,-rpath,{}", libraries.display()));
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => {}
        Ok("macos") => return arg("-Wl,-rpath,@loader_path/../lib"),
        _ => return,
    }
    arg("-Wl,-rpath,$ORIGIN/../lib");
    for folder in nvidia_libraries(&libraries) {
        arg(&format!("-Wl,-rpath,{}", folder.display()));
    }
    // RPATH instead of RUNPATH: it also serves what libtorch loads in turn.
    arg("-Wl,--disable-new-dtags");
    // Nothing in our code calls into the CUDA library, it registers itself when loaded. The linker would
    // leave it out as unused, and the program would quietly run on the CPU.
    arg("-Wl,--no-as-needed");
    for name in ["torch_cuda", "c10_cuda"] {
        if libraries.join(format!("lib{name}.so")).exists() {
            arg(&format!("-l{name}"));
        }
    }
    // In the CPU set-up libtorch.so is a linker script that names libtorch_cpu.so and libc10.so.
    arg("-ltorch");
    arg("-Wl,--as-needed");
}

/// CUDA's own libraries, which PyTorch's wheels keep in `nvidia` beside `torch`. Some are opened by name while
/// the program runs (NVRTC's built-ins), and those aren't found through libtorch's own search path.
fn nvidia_libraries(libraries: &Path) -> Vec<PathBuf> {
    let Ok(packages) = libraries.join("../../nvidia").canonicalize().and_then(std::fs::read_dir) else {
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = packages
        .filter_map(|package| Some(package.ok()?.path().join("lib")))
        .filter(|lib| lib.is_dir())
        .collect();
    folders.sort();
    folders
}
