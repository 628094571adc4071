# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of the lab."""

import argparse
import contextlib
import os
import pathlib
import shlex
import signal
import sys
import tempfile

from . import LabError, initramfs, inner, kernels, runner, suite
from .machine import HERE, Catalogue


def parser():
    top = argparse.ArgumentParser(prog="lab", description="Emulated machines with an IOMMU.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name, what):
        return verbs.add_parser(name, help=what, description=what)

    def machine_options(sub):
        sub.add_argument("--iommu", help="another IOMMU than the machine's: intel, amd, virtio, none")
        sub.add_argument("--devices", help="other devices than the machine's, separated by commas")
        sub.add_argument("--kernel", help="another kernel than the machine's: 6.1, 6.12 or 7.2")
        sub.add_argument("--build", type=pathlib.Path, help="build folder whose programs stand first on the PATH")
        sub.add_argument("--out", type=pathlib.Path, help="keep logs and results in this folder")

    run = verb("run", "boot MACHINE and run a script or a command in it as root")
    run.add_argument("machine")
    run.add_argument("--timeout", type=int, default=300, help="seconds the job may take (%(default)s)")
    machine_options(run)
    run.add_argument("command", nargs="*", metavar="SCRIPT [ARG…] | -- CMD…")

    shell = verb("shell", "boot MACHINE and give a prompt in it")
    shell.add_argument("machine", nargs="?", default="intel-6.12")
    machine_options(shell)

    test = verb("test", "run the lab tests of MACHINE in one boot; prints TAP")
    test.add_argument("machine")
    test.add_argument("scripts", nargs="*", help="names of scripts in t/ (all of the machine's)")
    test.add_argument("--build", type=pathlib.Path)
    test.add_argument("--out", type=pathlib.Path)

    verb("list", "machines, their parts, and what is cached")
    verb("tests", "machines that have tests and their processors, one a line")
    kernel = verb("kernel", "fetch or build a kernel into the cache, and print where it is")
    kernel.add_argument("lane", nargs="+", help="6.1, 6.12 or 7.2")
    headers = verb("headers", "fetch a kernel's headers of VFIO and iommufd into the cache, and print where they are")
    headers.add_argument("lane", help="6.12 or 7.2")
    verb("qemu", "fetch a QEMU for machines inside machines into the cache, and print where it is")
    packed = verb("initramfs", "pack busybox and an init script, for a machine inside a machine")
    packed.add_argument("init", type=pathlib.Path)
    packed.add_argument("image", type=pathlib.Path)
    return top


@contextlib.contextmanager
def out_folder(path):
    """The folder for logs and results: the caller's, or a temporary one."""
    if path:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise LabError(f"{path} is not empty")
        yield path.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="iommuctl-lab-out.") as folder:
            yield pathlib.Path(folder)


def pick(catalogue, options):
    return catalogue.machine(
        options.machine, iommu=options.iommu,
        devices=options.devices.split(",") if options.devices else None,
        kernel=catalogue.kernel_name(options.kernel) if options.kernel else None)


def environment(build):
    return {"LAB_BUILD": build.resolve() if build else "", "PATH": runner.host_path(build and build.resolve())}


def script(name):
    """The command that runs a script, whether or not it is executable or in this folder."""
    path = os.path.abspath(name)
    return [path] if os.access(path, os.X_OK) else ["bash", path]


def run(catalogue, options):
    command = options.command
    if not command:
        raise LabError("run what? Give a script or -- and a command")
    text = f"#!/bin/sh\n. /run/lab/job/env\ncd {shlex.quote(os.getcwd())} || exit\nexec {shlex.join(command)}\n"
    return run_text(catalogue, options, text, options.timeout)


def run_text(catalogue, options, text, limit):
    job = runner.Job(text, limit)
    with out_folder(options.out) as folder:
        boot = runner.Boot(catalogue, pick(catalogue, options), folder, environment(options.build))
        boot.run([job], runner.forward_to_terminal)
        if boot.why_ended:
            for line in runner.last_lines(boot.console, 30):
                print(f"  console: {line}", file=sys.stderr)
            print(f"lab: {options.machine}: {boot.why_ended}", file=sys.stderr)
        if job.status is None:
            return 124 if "time limit" in boot.why_ended else 125
        if job.status == 124:
            print(f"lab: {options.machine}: the job was stopped after its time limit of {limit} s", file=sys.stderr)
        return job.status


def shell(catalogue, options):
    if not sys.stdin.isatty():
        # no terminal to share: the commands are a script
        text = "#!/bin/bash\n. /run/lab/job/env\n" + f"cd {shlex.quote(os.getcwd())} || exit\n" + sys.stdin.read()
        return run_text(catalogue, options, text, 3600)
    with out_folder(options.out) as folder:
        boot = runner.Boot(catalogue, pick(catalogue, options), folder,
                           {**environment(options.build), "TERM": os.environ.get("TERM", "linux")})
        print(f"starting {options.machine}; `exit` powers it off, Ctrl-A x ends it at once", file=sys.stderr)
        return boot.shell("#!/bin/bash\n. /run/lab/job/env\n"
                          f"cd {shlex.quote(os.getcwd())} || cd /\n"
                          f"exec bash --rcfile {shlex.quote(str(HERE / 'guest' / 'bashrc'))} -i\n")


def show_list(catalogue):
    for name in catalogue.names():
        machine = catalogue.machine(name)
        devices = " ".join(machine.devices)
        print(f"{name:<14} {machine.iommu:<7} {machine.kernel:<12} {machine.memory_mb:>5} MB  {devices}")
    print()
    for lane, spec in catalogue.kernels.items():
        print(f"{lane:<14} {kernels.cached(lane, spec, HERE) or 'not in the cache'}")


def make_kernels(catalogue, options):
    for lane in map(catalogue.kernel_name, options.lane):
        print(kernels.ensure(lane, catalogue.kernels[lane], HERE))
    kernels.busybox()  # the last thing a boot needs that may have to be fetched


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    # What follows -- is the job's, options and all; argparse would look for its own there.
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, rest = parser().parse_known_args(sys.argv[1:cut])
    if rest and (options.verb not in ("run", "test") or rest[0].startswith("-")):
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    if options.verb == "test":  # names that stand behind the options
        options.scripts += rest
    if options.verb == "run":
        options.command += rest
        if options.command:
            options.command[0:1] = script(options.command[0])
        options.command += sys.argv[cut + 1:]
    try:
        catalogue = Catalogue()
        if options.verb == "run":
            return run(catalogue, options)
        if options.verb == "shell":
            return shell(catalogue, options)
        if options.verb == "test":
            return suite.run(catalogue, options, environment(options.build))
        if options.verb == "kernel":
            return make_kernels(catalogue, options)
        if options.verb == "headers":
            lane = catalogue.kernel_name(options.lane)
            return print(kernels.headers(lane, catalogue.kernels[lane]))
        if options.verb == "qemu":
            return print(inner.ensure(catalogue.data["inner-qemu"]))
        if options.verb == "initramfs":
            return options.image.write_bytes(initramfs.smallest(options.init.read_bytes())) and 0
        if options.verb == "tests":
            return print("\n".join(f"{name} {catalogue.machine(name).cpus}"
                                   for name in suite.machines_with_tests(catalogue)))
        return show_list(catalogue)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # nobody reads our output any more; Python would complain once more when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (LabError, OSError) as error:  # of a cache folder that cannot be made, for one
        print(f"lab: {error}", file=sys.stderr)
        return 1
