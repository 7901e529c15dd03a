//! Compiles the C++ shim, links libtorch, and passes commit and CUDA version to `--version`.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys passes the directory of libtorch's libraries to its direct dependents.
    let Some(libraries) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        panic!("torch-sys did not pass the directory of libtorch; run `make setup`");
    };
    println!("cargo:rustc-check-cfg=cfg(chestxr_cuda)");
    if libraries.join("libtorch_cuda.so").exists() {
        println!("cargo:rustc-cfg=chestxr_cuda");
    }
    println!("cargo:rustc-env=CHESTXR_CUDA_VERSION={}", cuda_version(&libraries).unwrap_or_default());
    println!("cargo:rustc-env=CHESTXR_COMMIT={}", commit());
    compile_shim(&libraries);
    link_libtorch(&libraries);
}

/// The short hash of the commit that is built; `unknown` outside of a git checkout and in debug builds: there each commit
/// would compile everything anew.
fn commit() -> String {
    let git = |arguments: &[&str]| -> Option<String> {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // A checkout around an unpacked source archive is another project's.
    let is_ours = git(&["ls-files", "build.rs"]).is_some_and(|file| file == "build.rs");
    if std::env::var("PROFILE").as_deref() != Ok("release") || !is_ours {
        return "unknown".to_owned();
    }
    let branch = git(&["symbolic-ref", "-q", "HEAD"]);
    for name in ["HEAD"].into_iter().chain(branch.as_deref()).chain(["packed-refs"]) {
        // A branch without a file of its own is in packed-refs.
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
}

/// The CUDA version that libtorch was built with, e.g. `13.0`: from `version.py` of a PyTorch wheel, or `build-version` of
/// a libtorch archive, which has `2.13.0+cu130`.
fn cuda_version(libraries: &Path) -> Option<String> {
    let read = |name: &str| std::fs::read_to_string(libraries.join("..").join(name)).ok();
    if let Some(text) = read("version.py") {
        let line = text.lines().find(|line| line.starts_with("cuda"))?;
        let version = line.split('=').nth(1)?.trim().trim_matches(['\'', '"']);
        return version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned());
    }
    let digits = read("build-version")?.trim().split_once("+cu")?.1.to_owned();
    let (major, minor) = digits.split_at_checked(digits.len().checked_sub(1)?)?;
    Some(format!("{major}.{minor}"))
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
        .files(["src/native/shim.cpp", "src/native/batch_norm_max_pool_relu.cpp", "src/native/transfer.cpp"])
        // Optimised in debug builds too: it computes.
        .opt_level(3)
        .flag_if_supported("-Wno-psabi");
    // libtorch uses GCC's OpenMP threads; another compiler's would be a second pool.
    if openmp(libraries).is_some() && build.get_compiler().is_like_gnu() {
        build.flag("-fopenmp");
    }
    build.compile("chestxr_shim");
}

/// The OpenMP library of libtorch's thread pool; `None` where libtorch has its own pool.
fn openmp(libraries: &Path) -> Option<PathBuf> {
    Some(libraries.join("libgomp.so.1")).filter(|library| library.exists())
}

/// Binaries, tests, examples and benches start without LD_LIBRARY_PATH: they look for libtorch in its directory at build
/// time, then in `../lib` of their own directory.
fn link_libtorch(libraries: &Path) {
    // A path through the link `.libtorch` would break as soon as the link changes.
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
    // No code here calls the CUDA library; it registers itself when loaded. The linker would drop it as unused, and the
    // program would silently run on the CPU.
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

/// CUDA's libraries, which PyTorch's wheels install in `nvidia` next to `torch`. Some are opened by name at run time
/// (NVRTC's built-ins) and are not on libtorch's own search path.
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
