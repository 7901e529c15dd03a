# One command each, on a fresh machine: `make run`, `make test`. `make help` lists them all.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help tools setup build run test lint bench reproduce docs gpu-kit clean

help: ## list these commands
	@echo "chestxr-tui: make COMMAND"
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name what; do printf '%-9s %s\n' "$$name" "$$what"; done
	@echo "  CUDA=1 takes the CUDA build of libtorch, CUDA=0 refuses it; your own LIBTORCH or LIBTORCH_USE_PYTORCH=1 wins"

# Before anything long starts. pip is checked by the set-up itself, which needs it only to fetch.
tools:
	@need() { command -v "$$1" > /dev/null || { echo "make: no $$2 found; install one ($$3), then run this again" >&2; exit 1; }; }; \
	need cargo "Rust toolchain" "rustup gives a current one"; \
	compiler=$${CXX:-c++}; need "$${compiler%% *}" "C++ compiler" "Debian: apt install g++"; \
	need cc "C compiler to link with" "Debian: apt install gcc"; \
	need python3 "Python 3" "Debian: apt install python3 python3-pip"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' || { echo "make: $$(python3 --version) is too old; install Python 3.8 or newer, then run this again" >&2; exit 1; }

setup: tools ## fetch libtorch into the user's cache, once for all checkouts
	@python3 scripts/setup_libtorch.py

build: setup ## build the program (release)
	cargo build --release

run: build ## open the workbench on built-in phantom images; without a terminal, train on them
	@if [ -t 1 ]; then set -- --data phantom; else set -- --no-ui --data phantom; fi; \
	exec cargo run --quiet --release -- "$$@"

# Tests run side by side, a core each: libtorch's own threads would only wait for each other there.
test: setup ## run all tests
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} cargo test

lint: setup ## check formatting and run clippy, warnings being errors
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

bench: setup ## measure speed and memory on this machine, the screen included
	cargo run --quiet --release --features bench-screen -- bench

RECIPE ?= examples/chestmnist-64.toml
SEEDS ?= 0 1 2
reproduce: build ## train a recipe with three seeds: DATA=npz:FILE [RECIPE=FILE] [SEEDS="0 1 2"]
	@[ -n "$(DATA)" ] || { echo "make: say which images, as in make reproduce DATA=npz:chestmnist_64.npz" >&2; exit 2; }
	for seed in $(SEEDS); do cargo run --quiet --release -- --no-ui --config "$(RECIPE)" --data "$(DATA)" --set run.seed=$$seed $(SETS) || exit; done

docs: ## build the book into target/book (mdBook is built by cargo where it is missing)
	@command -v mdbook > /dev/null || [ -x target/tools/bin/mdbook ] || cargo install mdbook --locked --no-default-features --root target/tools
	@PATH="$$PATH:$$PWD/target/tools/bin" mdbook build docs

gpu-kit: ## build the kit that checks the program on a GPU machine (see scripts/gpu/README.md)
	bash scripts/gpu/make_variant.sh . target/gpu-kit

clean: ## remove what was built here; libtorch stays in the user's cache
	cargo clean
	rm -f .libtorch
