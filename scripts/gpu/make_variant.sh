#!/bin/bash
# Builds the program against PyTorch 2.11.0's CUDA build, for a GPU machine that has that PyTorch and no Rust:
#   make_variant.sh CHECKOUT KIT       # KIT/src, KIT/target, KIT/torch (1.6 GB); the result is KIT/pack/
# The checkout isn't changed. Takes python3 with pip, unzip, cargo, c++; 0.6 GB are fetched.
set -euo pipefail
checkout=$(realpath "$1") kit=$(realpath -m "$2")
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$kit/src"
mkdir -p "$kit"/{src,wheels,pack}
# 1. The sources as git has them, with the tch that PyTorch 2.11 wants. Nothing else changes.
git -C "$checkout" ls-files -z | tar -C "$checkout" --null -T - -cf - | tar -C "$kit/src" -xf -
sed -i -E 's/^(tch|torch-sys) = "[^"]*"/\1 = "0.24"/' "$kit/src/Cargo.toml"
# 2. The CUDA build of PyTorch: headers and libraries alone. Linking doesn't need CUDA's own wheels.
if [ ! -e "$kit/torch/lib/libtorch_cuda.so" ]; then
  python3 -m pip download --quiet torch==2.11.0 --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
    --platform manylinux_2_28_x86_64 -d "$kit/wheels"
  unzip -q -o "$kit"/wheels/torch-2.11.0-*.whl 'torch/include/*' 'torch/lib/*' torch/version.py -d "$kit"
  grep -q "2.11.0+cu130" "$kit/torch/version.py"
fi
# 3. Build. The flag lets the linker overlook what libtorch_cuda.so wants of CUDA; the loader finds it there.
cd "$kit/src"
export LIBTORCH="$kit/torch" CARGO_TARGET_DIR="$kit/target"
cargo update --quiet tch torch-sys
nice cargo rustc --release --bin chestxr-tui -- -C link-arg=-Wl,--allow-shlib-undefined -C strip=symbols
# 4. What is carried.
cp "$kit/target/release/chestxr-tui" "$kit/pack/"
xz -T0 -6 -k -f "$kit/pack/chestxr-tui" && rm "$kit/pack/chestxr-tui"
cp "$here"/*.py "$here"/accept.sh "$kit/pack/"
du -sh "$kit/pack"
