"""The set-up of libtorch, in real folders with the real pip, on wheels of a few bytes each.

Run by tests/setup_libtorch.rs, or by itself: python3 tests/setup_libtorch.py
Without pip on this machine the tests that fetch are skipped.
"""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))

from setup_bench import ALL_FILES, CPU_FILES, CUDART_FILES, CUPTI_FILES, PROJECT, Bench, fetches, builds, setup

import libtorch_wheels as wheels


@fetches
class Fetching(Bench):
    def test_a_fresh_cache_gets_what_the_build_needs_and_no_more(self):
        torch = self.wheel("torch", "2.13.0", CPU_FILES, "cp311-cp311-manylinux_2_28_x86_64")
        cupti = self.wheel("nvidia-cuda-cupti", "13.0.85", CUPTI_FILES, "py3-none-manylinux_2_25_x86_64")
        cudart = self.wheel(
            "nvidia-cuda-runtime", "13.0.96", CUDART_FILES, "py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64"
        )
        self.pin(torch + cupti + cudart)
        self.assertEqual(self.set_up(), str(self.cpu))
        found = {str(path.relative_to(self.cpu)): path for path in self.cpu.rglob("*") if path.is_file()}
        self.assertEqual(
            sorted(found),
            [
                "build-version",
                "include/ATen/ATen.h",
                "include/torch/csrc/api/include/torch/torch.h",
                "lib/libc10.so",
                "lib/libcudart.so.13",
                "lib/libcupti.so.13",
                "lib/libgomp.so.1",
                "lib/libtorch.so",
                "lib/libtorch_cpu.so",
                "manifest",
            ],
        )
        self.assertEqual(found["lib/libtorch.so"].read_text(), "INPUT(libtorch_cpu.so libc10.so)\n")
        self.assertEqual(found["build-version"].read_text(), "2.13.0+cpu\n")
        self.assertEqual(os.readlink(self.root / "checkout" / ".libtorch"), str(self.cpu))
        self.assert_nothing_left(self.cpu.name)

    def test_the_cuda_build_keeps_torch_and_nvidia_side_by_side(self):
        files = {pattern.replace("*", "1"): b"x" for pattern, _ in builds.CUDA.keep}
        files["nvidia/cu13/lib/libcusolverMg.so.12"] = b"nobody needs it"
        self.pin(self.wheel("torch", "2.13.0", files), "libtorch-cuda.txt")
        place = self.cache / "libtorch-2.13.0-cu130"
        self.assertEqual(self.set_up(CUDA="1"), str(place / "torch"))
        self.assertTrue((place / "torch" / "lib" / "libtorch_cuda.so").exists())
        self.assertTrue((place / "nvidia" / "cudnn" / "lib" / "1.so.1").exists())
        self.assertFalse((place / "nvidia" / "cu13" / "lib" / "libcusolverMg.so.12").exists())
        self.assertEqual((place / "torch" / "build-version").read_text(), "2.13.0+cu130\n")

    def test_a_second_set_up_and_another_checkout_fetch_nothing(self):
        self.one_wheel()
        self.set_up()
        made = self.cpu.stat().st_ino
        shutil.rmtree(self.root / "index")
        (self.root / "elsewhere").mkdir()
        self.set_up()
        self.assertEqual(self.set_up(checkout="elsewhere"), str(self.cpu))
        self.assertNotIn("fetching", self.said)
        self.assertEqual(self.cpu.stat().st_ino, made)

    def test_the_cache_follows_xdg(self):
        self.one_wheel()
        folder = self.set_up(XDG_CACHE_HOME=str(self.root / "xdg"))
        self.assertEqual(folder, str(self.root / "xdg" / "chestxr-tui" / "libtorch-2.13.0-cpu"))
        self.assertFalse(self.cache.exists())

    def test_a_damaged_cache_is_noticed_and_made_anew(self):
        self.one_wheel()
        self.set_up()
        damages = {
            "a library cut short": lambda: (self.cpu / "lib" / "libtorch_cpu.so").write_bytes(b"torch"),
            "a header missing": lambda: (self.cpu / "include" / "ATen" / "ATen.h").unlink(),
            "a folder made by hand": lambda: (self.cpu / "manifest").unlink(),
        }
        for what, damage in damages.items():
            with self.subTest(what):
                damage()
                self.set_up()
                self.assertIn("anew", self.said)
                self.assertEqual((self.cpu / "lib" / "libtorch_cpu.so").read_bytes(), b"torch_cpu")
                self.assertTrue((self.cpu / "include" / "ATen" / "ATen.h").exists())
                self.assert_nothing_left(self.cpu.name)

    def test_other_pins_replace_the_cache(self):
        self.one_wheel()
        self.set_up()
        self.one_wheel(dict(ALL_FILES, **{"torch/lib/libc10.so": b"newer"}))
        self.set_up()
        self.assertEqual((self.cpu / "lib" / "libc10.so").read_bytes(), b"newer")

    def test_what_a_killed_set_up_left_is_removed(self):
        self.one_wheel()
        (self.cache / ".new-abc" / "downloads").mkdir(parents=True)
        self.set_up()
        self.assert_nothing_left(self.cpu.name)

    def test_a_wheel_of_another_hash_is_refused(self):
        self.one_wheel()
        pins = (self.root / "pins" / "libtorch-cpu.txt").read_text()
        self.pin(pins[:-65] + "0" * 64 + "\n")
        self.assertIn("isn't the one pinned by SHA-256", self.trouble())
        self.assert_nothing_left()
        self.assertFalse((self.root / "checkout" / ".libtorch").is_symlink())

    def test_a_wheel_cut_short_is_refused_and_the_old_folder_stays(self):
        self.one_wheel()
        self.set_up()
        (self.cpu / "manifest").write_text("damaged\n")
        (wheel,) = (self.root / "index").iterdir()
        wheel.write_bytes(wheel.read_bytes()[:-40])
        self.assertIn("torch==2.13.0", self.trouble())
        self.assertEqual((self.cpu / "manifest").read_text(), "damaged\n")
        self.assertEqual((self.cpu / "lib" / "libc10.so").read_bytes(), b"c10")
        self.assert_nothing_left(self.cpu.name)

    def test_without_a_network_one_sentence_says_so(self):
        self.one_wheel()
        del self.environ["PIP_NO_INDEX"], self.environ["PIP_FIND_LINKS"]
        # Nobody listens on the discard port.
        sentence = self.trouble(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
        self.assertIn("failed on the network (Connection refused)", sentence)
        self.assertIn("check the connection", sentence)
        self.assert_nothing_left()

    def test_an_index_without_the_wheel_is_named_as_the_reason(self):
        self.pin("torch==2.13.0 --hash=sha256:%s\n" % ("0" * 64))
        self.assertIn("index that pip asks has no torch==2.13.0", self.trouble())
        self.assert_nothing_left()

    def test_a_wheel_without_the_libraries_is_refused(self):
        self.one_wheel({"torch/include/ATen/ATen.h": b""})
        self.assertIn("torch/lib/libc10.so", self.trouble())
        self.assert_nothing_left()

    def test_a_full_disk_is_noticed_before_the_download(self):
        self.one_wheel()
        sentence = self.trouble(free_bytes=lambda _: 400_000_000)
        self.assertIn("takes 1.1 GB", sentence)
        self.assertIn("has 0.4 GB free", sentence)
        self.assertIn("XDG_CACHE_HOME", sentence)
        self.assert_nothing_left()

    def test_a_python_without_pip_is_told_what_to_install(self):
        self.one_wheel()
        (self.root / "shadow").mkdir()
        (self.root / "shadow" / "pip.py").write_text("raise SystemExit(1)\n")
        self.assertIn("apt install python3-pip", self.trouble(PYTHONPATH=str(self.root / "shadow")))

    def command(self, checkout, **environ):
        """The script itself, in a checkout of its own, with this bench's pins."""
        scripts = self.root / checkout / "scripts"
        scripts.mkdir(parents=True, exist_ok=True)
        for script in (PROJECT / "scripts").glob("*libtorch*.py"):
            shutil.copy(script, scripts)
        shutil.copy(self.root / "pins" / "libtorch-cpu.txt", scripts)
        return subprocess.Popen(
            [sys.executable, str(scripts / "setup_libtorch.py"), "--print"],
            env=dict(self.environ, **environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_two_set_ups_at_once_fetch_once(self):
        self.one_wheel()
        both = [self.command("first"), self.command("second")]
        answers = [one.communicate() for one in both]
        self.assertEqual([one.returncode for one in both], [0, 0], answers)
        self.assertEqual([out for out, _ in answers], [str(self.cpu) + "\n"] * 2)
        self.assertEqual("".join(err for _, err in answers).count("fetching"), 1)

    def test_a_set_up_that_is_stopped_leaves_nothing_partial(self):
        self.one_wheel()
        reached = self.root / "reached"
        (self.root / "shadow").mkdir()
        (self.root / "shadow" / "pip.py").write_text(
            "import sys, time\n"
            "if 'download' in sys.argv:\n"
            "    dest = sys.argv[sys.argv.index('--dest') + 1]\n"
            "    open(dest + '/half.whl', 'w').write('half')\n"
            "    open(%r, 'w').close()\n"
            "    time.sleep(3600)\n" % str(reached)
        )
        stopped = self.command("checkout", PYTHONPATH=str(self.root / "shadow"))
        while not reached.exists() and stopped.poll() is None:
            time.sleep(0.01)
        stopped.send_signal(signal.SIGTERM)
        stopped.communicate()
        self.assertEqual(stopped.returncode, 143)
        self.assert_nothing_left()

    def test_the_command_fails_with_one_sentence(self):
        self.one_wheel()
        failed = self.command("checkout", CUDA="maybe")
        out, err = failed.communicate()
        self.assertEqual((failed.returncode, out), (1, ""))
        self.assertEqual(err, "setup: CUDA=maybe isn't understood; CUDA=1 takes the CUDA build, CUDA=0 the CPU one.\n")


class OwnLibtorch(Bench):
    def own(self, version="2.13.0+cu126"):
        folder = self.root / "own"
        (folder / "lib").mkdir(parents=True)
        (folder / "lib" / "libtorch.so").write_bytes(b"")
        (folder / "build-version").write_text(version + "\n")
        return str(folder)

    def test_wins_and_nothing_is_fetched_or_linked(self):
        own = self.own()
        self.assertEqual(self.set_up(LIBTORCH=own, CUDA="1"), own)
        self.assertIn(own, self.said)
        self.assertFalse(self.cache.exists())
        self.assertFalse((self.root / "checkout" / ".libtorch").is_symlink())

    def test_of_another_version_is_refused_unless_the_check_is_off(self):
        own = self.own("2.4.1+cpu")
        self.assertIn("is version 2.4.1+cpu, but tch needs 2.13.0", self.trouble(LIBTORCH=own))
        self.assertEqual(self.set_up(LIBTORCH=own, LIBTORCH_BYPASS_VERSION_CHECK="1"), own)

    def test_that_cannot_be_one_is_named(self):
        self.assertIn("holds no lib/libtorch.so", self.trouble(LIBTORCH=str(self.root / "home")))
        self.assertIn("relative", self.trouble(LIBTORCH="libtorch"))
        self.assertIn("set but empty", self.trouble(LIBTORCH=""))

    def test_of_python_wins_over_everything(self):
        self.program("python3", "echo 2.13.0+cu130; echo /there/torch")
        self.assertEqual(self.set_up(LIBTORCH_USE_PYTORCH="1", LIBTORCH="/nowhere"), "/there/torch")

    def test_of_python_that_is_missing_or_too_old_is_named(self):
        self.assertIn("python3 doesn't run", self.trouble(LIBTORCH_USE_PYTORCH="1"))
        self.program("python3", "exit 1")
        self.assertIn("pip install torch==2.13.0", self.trouble(LIBTORCH_USE_PYTORCH="1"))
        self.program("python3", "echo 2.4.1; echo /there/torch")
        self.assertIn("is version 2.4.1", self.trouble(LIBTORCH_USE_PYTORCH="1"))


class Machines(Bench):
    def refused(self, *machine):
        with self.assertRaises(builds.Trouble) as caught:
            setup.check_platform(*machine)
        return str(caught.exception)

    def test_other_systems_are_pointed_to_python(self):
        for machine in (("Linux", "aarch64", (2, 36)), ("Darwin", "arm64", None), ("Darwin", "x86_64", None)):
            with self.subTest(machine):
                self.assertIn("LIBTORCH_USE_PYTORCH=1", self.refused(*machine))
        self.assertIsNone(setup.check_platform("Linux", "x86_64", (2, 28)))

    def test_a_linux_without_a_glibc_new_enough_is_told_so(self):
        self.assertIn("needs glibc 2.28, and this machine has 2.17", self.refused("Linux", "x86_64", (2, 17)))
        self.assertIn("need glibc", self.refused("Linux", "x86_64", None))

    def chosen(self, linked_to=None, **environ):
        heard = io.StringIO()
        with contextlib.redirect_stderr(heard):
            build = setup.choose_build(dict(self.environ, **environ), linked_to)
        self.said = heard.getvalue()
        return build

    def test_the_cpu_build_where_no_gpu_answers(self):
        self.assertIs(self.chosen(), builds.CPU)
        self.program("nvidia-smi", "echo NVIDIA-SMI has failed; exit 9")
        self.assertIs(self.chosen(), builds.CPU)
        self.assertIs(self.chosen(CUDA="1"), builds.CUDA)

    def test_the_cuda_build_where_nvidia_smi_answers(self):
        self.program("nvidia-smi", "echo 580.65.06")
        self.assertIs(self.chosen(), builds.CUDA)
        self.assertEqual(self.said, "")
        self.assertIs(self.chosen(CUDA="0"), builds.CPU)

    def test_a_driver_too_old_for_cuda_is_named(self):
        self.program("nvidia-smi", "echo 535.183.01")
        self.assertIs(self.chosen(), builds.CUDA)
        self.assertIn("driver is 535, CUDA 13 needs 580", self.said)

    def test_a_checkout_set_up_for_cuda_stays_so_without_the_gpu(self):
        there = self.cache / builds.CUDA.folder / "torch"
        self.assertIs(self.chosen(there), builds.CUDA)
        self.assertIs(self.chosen(there, CUDA="0"), builds.CPU)


class Pieces(Bench):
    def test_the_shipped_pins_are_whole_and_agree(self):
        pins = {
            build: wheels.parse_pins((PROJECT / "scripts" / build.pins).read_text()) for build in (builds.CPU, builds.CUDA)
        }
        self.assertLessEqual(set(pins[builds.CPU]), set(pins[builds.CUDA]))
        self.assertEqual(pins[builds.CPU][0].requirement, "torch==" + builds.VERSION)

    def test_two_folders_change_places_in_one_step(self):
        one, other = self.root / "one", self.root / "other"
        for folder in (one, other):
            folder.mkdir()
            (folder / "name").write_text(folder.name)
        if not setup.exchange(one, other):
            self.skipTest("this file system can't")
        self.assertEqual(((one / "name").read_text(), (other / "name").read_text()), ("other", "one"))

    def test_a_link_that_changes_has_cargo_build_torch_sys_anew(self):
        checkout, calls = self.root / "checkout", self.root / "calls"
        (checkout / "target").mkdir()
        self.program("cargo", 'echo "$@" >> %s' % calls)
        with_cpu, with_cuda = self.root / "cpu", self.root / "cuda"
        for folder in (with_cpu, with_cpu, with_cuda):
            setup.link(checkout, folder, self.environ)
            self.assertEqual(setup.link_target(checkout), folder)
        once = "clean --quiet --package torch-sys --profile dev\nclean --quiet --package torch-sys --profile release\n"
        self.assertEqual(calls.read_text(), once * 2)

    def test_a_build_that_cannot_be_discarded_keeps_its_link(self):
        checkout = self.root / "checkout"
        setup.link(checkout, self.root / "cpu", self.environ)
        (checkout / "target").mkdir()
        self.program("cargo", "echo 'error: no such thing' >&2; exit 101")
        with self.assertRaisesRegex(builds.Trouble, "can't be discarded .error: no such thing.; remove "):
            setup.link(checkout, self.root / "cuda", self.environ)
        self.assertEqual(setup.link_target(checkout), self.root / "cpu")

    def test_a_folder_in_the_place_of_the_link_is_left_alone(self):
        (self.root / "checkout" / ".libtorch").mkdir()
        with self.assertRaisesRegex(builds.Trouble, "move it away"):
            setup.link(self.root / "checkout", self.root / "cpu", self.environ)

    def test_what_pip_says_becomes_what_to_do(self):
        pin = builds.Pin("torch==2.13.0", "0" * 64)
        says = {
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": "free some space",
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.": "thrown away",
            "WARNING: Retrying (Retry(total=0))\nERROR: No matching distribution found": "check the connection",
            "ERROR: No matching distribution found for torch==2.13.0": "PIP_INDEX_URL",
            "ERROR: something new": "something new",
            "": "it gave no reason",
        }
        for errors, cure in says.items():
            with self.subTest(errors):
                sentence = wheels.pip_trouble(pin, errors, self.cache)
                self.assertIn(cure, sentence)
                self.assertIn("torch==2.13.0", sentence)

    def test_a_disk_that_fills_up_or_refuses_is_one_sentence(self):
        full = OSError(28, "No space left on device", "/there/lib")
        self.assertIn("The disk filled up at /there/lib; free some space", setup.disk_trouble(full, self.environ))
        refused = PermissionError(13, "Permission denied", "/there")
        self.assertIn("/there: Permission denied; put that right", setup.disk_trouble(refused, self.environ))


@unittest.skipUnless(shutil.which("make"), "needs make")
class Makefile(Bench):
    def test_a_missing_tool_is_one_sentence(self):
        for tool in ("cc", "python3"):
            (self.root / "bin" / tool).symlink_to(shutil.which(tool))
        for name, tool, sentence in (
            ("cargo", "cargo", "make: no Rust toolchain found; install one (rustup"),
            ("c++", "c++", "make: no C++ compiler found; install one (Debian: apt install g++), then run this again"),
        ):
            with self.subTest(name):
                answer = subprocess.run(
                    [shutil.which("make"), "--no-print-directory", "tools"],
                    cwd=PROJECT,
                    env=self.environ,
                    capture_output=True,
                    text=True,
                )
                self.assertNotEqual(answer.returncode, 0)
                self.assertIn(sentence, answer.stderr)
                self.program(tool, "exit 0")


if __name__ == "__main__":
    unittest.main()
