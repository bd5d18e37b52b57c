"""What hostile attacks do, and the line that must be said of each. Each is written to a folder as a one-file plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PLUGIN = '''\
"""An attack that does what it must not."""

__version__ = "6.6.6"

from mebench import AttackEntry, hookimpl


@hookimpl
def mebench_attacks():
    return [AttackEntry("{name}", "Does what it must not.", "{module}:build", needs=frozenset({{"label"}}))]


def build(context):
    import os, random, signal, sys, threading, time

    import numpy
    import torch

    from mebench import Attack, Learner, QueryStrategy

    def noise(rows):
        return torch.rand(rows, *context.spec.shape)

    class Strategy(QueryStrategy):
        turn = 0

        def propose(self, oracle, clone):
            self.turn += 1
            queries = noise(min(50, oracle.remaining))
            if self.turn == 2:
                pass
{propose}
            return queries

        def state_dict(self):
            return {{}}

        def load_state_dict(self, state):
            pass

    class Student(Learner):
        clone = context.clone

        def learn(self, queries, response):
            pass
{learn}

        def state_dict(self):
            return {{}}

        def load_state_dict(self, state):
            pass

    attack = Attack(Strategy(), Student())
{build}
    return attack
'''


@dataclass(frozen=True)
class Deed:
    """One thing that an attack does.

    Attributes:
        title: of the test.
        line: what its failure must say; ``WHO`` stands for the attack with its file and version. Empty if the trial
            is to be finished.
        flag: what the result of a finished trial must be flagged with.
        build, propose, learn: code of the constructor, of the second turn, of learning.
        killed: the engine notices it, so it needs a process of its own.
    """

    title: str
    line: str
    propose: str = ""
    build: str = ""
    learn: str = ""
    flag: str = ""
    killed: bool = False

    @property
    def name(self) -> str:
        """Of the attack."""
        return "evil-" + re.sub(r"\W", "-", self.title.lower())

    @property
    def reason(self) -> str:
        """The reason that must be recorded."""
        who = f"attack {self.name} (plugins/{self.name.replace('-', '_')}.py 6.6.6)"
        return self.line.replace("WHO", who) if "WHO" in self.line else f"{who}: {self.line}"

    def write(self, folder: Path) -> None:
        """Write the plugin."""
        module = self.name.replace("-", "_")
        build, propose, learn = (_indented(*one) for one in ((self.build, 4), (self.propose, 16), (self.learn, 12)))
        text = PLUGIN.format(name=self.name, module=module, build=build, propose=propose, learn=learn)
        (folder / f"{module}.py").write_text(text)


def _indented(code: str, by: int) -> str:
    return "\n".join(" " * by + line for line in code.splitlines())


RAN = ", while it ran WHO"
OUTSIDE = "asked a query with values outside [0, 1] or NaN; queries are never clipped"
HOOKS = "torch.nn.modules.module.register_module_forward_hook(lambda module, inputs, output: 0 * output)"
AUTOCAST = "torch.set_autocast_dtype('cpu', torch.float16)"
SAVED_TENSORS = "torch.autograd.graph.saved_tensors_hooks(torch.zeros_like, torch.zeros_like).__enter__()"
CROSS_ENTROPY = "torch.nn.functional.cross_entropy = torch.nn.functional.nll_loss"
WRITE_RESULT = "import mebench.trial.result as result; result.write_result = print"
INSIDES = "oracle._query.__closure__[0].cell_contents"  # of the oracle that an attack holds
LEDGER = f"{INSIDES}._ledger"
VICTIM = f"{INSIDES}._answer.__closure__[1].cell_contents"
DEEDS = (
    Deed("constructor raises", "its constructor failed: KeyError: 'x'", build="{}['x']"),
    Deed("constructor exits", "its constructor failed: called sys.exit", build="sys.exit(0)"),
    Deed("constructor returns a word", "its target returned a str, not an Attack", build="return 'attack'"),
    Deed("no strategy", "its strategy is a NoneType, not a QueryStrategy", build="return Attack(None, attack.learner)"),
    Deed("no clone", "its learner's clone is a NoneType, not a torch module", build="Student.clone = None"),
    Deed("propose raises", "propose failed: ZeroDivisionError: division by zero", "1 / 0"),
    Deed("exception that cannot be written", "propose failed: E", "raise type('E', (Exception,), {'__str__': None})()"),
    Deed("exception that is none", "propose failed: E: x", "raise type('E', (BaseException,), {})('x')"),
    Deed("many lines", "propose failed: ValueError: one two", "raise ValueError('one\\n  two')"),
    Deed("sys.exit", "propose failed: called sys.exit", "sys.exit()"),
    Deed("learn raises", "learn failed: RuntimeError: no", learn="raise RuntimeError('no')"),
    Deed("no tensor", "propose returned a list, not a tensor of queries", "return [[0.0]]"),
    Deed("nothing", "propose returned a NoneType, not a tensor of queries", "return None"),
    Deed("a number", "propose returned a tensor of shape () and torch.strided", "return torch.tensor(1.0)"),
    Deed("wrong shape", "asked a query of shape (2, 3); the victim takes (batch, 1, 8, 8)", "return torch.rand(2, 3)"),
    Deed(
        "wrong type",
        "asked a query of type torch.float64; the victim takes float32",
        "return torch.rand(2, 1, 8, 8, dtype=torch.float64)",
    ),
    Deed("NaN", OUTSIDE, "return noise(2) * float('nan')"),
    Deed("out of range", OUTSIDE, "return noise(2) + 1"),
    Deed(
        "more rows than remain",
        "asked 201 queries with 150 of 200 left; the victim was not run",
        "return noise(oracle.remaining + 51)",
    ),
    Deed(
        "over budget",
        "asked 151 queries with 150 of 200 left; the victim was not run",
        "oracle.query(noise(151), purpose='explore')",
    ),
    Deed("torch's seed", "propose changed torch's random seed", "torch.manual_seed(0)"),
    Deed("NumPy's seed", "propose seeded the random numbers of Python or NumPy", "numpy.random.seed(0)"),
    Deed("Python's seed", "propose seeded the random numbers of Python or NumPy", "random.seed(0)"),
    Deed("default dtype", "propose changed torch's default dtype", "torch.set_default_dtype(torch.float64)"),
    Deed("default device", "propose changed torch's default device", "torch.set_default_device('meta')"),
    Deed("grad mode", "propose changed torch's grad mode", "torch.set_grad_enabled(False)"),
    Deed("grad mode in learn", "learn changed torch's grad mode", learn="torch.set_grad_enabled(False)"),
    Deed(
        "deterministic mode",
        "propose changed torch's deterministic mode",
        "torch.use_deterministic_algorithms(True)",
    ),
    Deed(
        "cudnn", "its constructor changed torch.backends.cudnn.benchmark", build="torch.backends.cudnn.benchmark = True"
    ),
    Deed("threads of torch", "propose changed torch's number of threads", "torch.set_num_threads(2)"),
    Deed("autocast", "propose changed autocast on the CPU", "torch.set_autocast_enabled('cpu', True)"),
    Deed("oneDNN", "propose changed torch's use of oneDNN", "torch._C._set_mkldnn_enabled(False)"),
    Deed("denormals", "propose changed whether denormal numbers are flushed to 0", "torch.set_flush_denormal(True)"),
    Deed("gc", "propose changed the garbage collector", "import gc; gc.disable()"),
    Deed("gc's thresholds", "learn changed the garbage collector's thresholds", learn="import gc; gc.set_threshold(1)"),
    Deed("working directory", "propose changed the working directory", "os.chdir('/')"),
    Deed("attention", "propose changed torch's flash attention", "torch.backends.cuda.enable_flash_sdp(False)"),
    Deed("autocast's type", "learn changed autocast's type on the CPU", learn=AUTOCAST),
    Deed("a mode of functions", "changed modes of torch functions", "torch.overrides.TorchFunctionMode().__enter__()"),
    Deed("saved tensors", "changed torch's hooks of saved tensors", SAVED_TENSORS),
    Deed("a function of torch's", "replaced torch.nn.functional.cross_entropy", CROSS_ENTROPY),
    Deed("a method of tensors", "replaced torch.Tensor.argmax", "torch.Tensor.argmax = lambda *a, **k: noise(1)"),
    Deed("a function of mebench's", "replaced mebench.trial.result.write_result", WRITE_RESULT),
    Deed("print", "replaced builtins.print", "import builtins; builtins.print = len"),
    Deed("a timer", "", "signal.setitimer(signal.ITIMER_VIRTUAL, 1e4)"),
    Deed("a finder of modules", "", "sys.meta_path.insert(0, type('F', (), {'find_spec': lambda *a: 1 / 0})())"),
    Deed("a module", "", "sys.modules['csv'] = sys.modules['json'] = os"),
    Deed("logging", "", "import logging; logging.disable(); logging.getLogger('mebench').disabled = True"),
    Deed("hooks of all modules", "propose changed the hooks of all torch modules", HOOKS),
    Deed("NumPy's errors", "propose changed NumPy's error handling", "numpy.seterr(all='raise')"),
    Deed("mode of files", "propose changed the file mode creation mask", "os.umask(0o777)"),
    Deed("handler of Ctrl-C", "propose changed the handler of SIGINT", "signal.signal(signal.SIGINT, lambda *a: None)"),
    Deed("warnings", "", "import warnings; warnings.simplefilter('error')"),
    Deed("a larger budget", "changed its budget from 200 to 10000", f"{LEDGER}.budget = 10_000"),
    Deed("a refund", "had 100 rows answered, and 50 in its ledger", f"{LEDGER}.by_purpose['train'] = 0; self.turn = 9"),
    Deed(
        "another budget",
        "propose failed: AttributeError: budget: oracle, channel and explanation cannot be changed",
        "oracle.budget = 10_000",
    ),
    Deed(
        "the channel's answers",
        "propose failed: channel label: an attack is told what it is and cannot call its answer; ask the oracle",
        "oracle.channel.answer(clone, noise(5), False)",
    ),
    Deed("a clone with the victim inside", "its clone.ours[0] is the victim", f"clone.ours = [{VICTIM}]"),
    Deed("a layer of the victim's", "its clone.ours is a part of the victim", f"clone.ours = {VICTIM}.network.network"),
    Deed(
        "weights that are the victim's",
        "its clone.3.bias is a tensor of the victim's",
        f"clone.load_state_dict({VICTIM}.network.network.state_dict(), assign=True)",
    ),
    Deed("a strategy with the victim", "its strategy.found is the victim", f"self.found = {VICTIM}"),
    Deed("uncounted answers", "", f"{VICTIM}(noise(500))", flag="unexplained-passes"),
    Deed(
        "a copy of the victim",
        "",
        f"clone.load_state_dict({VICTIM}.network.network.state_dict())",
        flag="victims-weights",
    ),
    Deed("handler", "propose changed the handler of SIGTERM", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"),
    Deed(
        "a thread",
        "propose left a thread running (Sleeper)",
        "threading.Thread(target=time.sleep, args=(3,), name='Sleeper', daemon=True).start()",
    ),
    Deed("fork", "propose forked the process", "os.fork()"),
    Deed("fork that exits", "propose forked the process", "os.fork() or os._exit(0)"),
    Deed("environment variables", "", "os.environ['OMP_NUM_THREADS'] = '7'; os.environ.pop('PATH', None)"),
    Deed("stdout", "", 'print(\'{"not": "json"\')'),
    Deed("os._exit", f"its process ended with exit code 0 and without a result{RAN}", "os._exit(0)", killed=True),
    Deed(
        "killed",
        f"killed by SIGKILL (out of memory?){RAN}",
        "os.kill(os.getpid(), signal.SIGKILL)",
        killed=True,
    ),
    Deed("segmentation fault", f"killed by SIGSEGV{RAN}", "os.kill(os.getpid(), signal.SIGSEGV)", killed=True),
    Deed("hangs", f"took longer than 20 s (--timeout){RAN}", "while True: time.sleep(1)", killed=True),
)
