"""The peers that are measured in virtual time: ports of what they do, at their shipped constants."""

from collections.abc import Callable, Mapping

from bench.typing.peers.cody import Cody
from bench.typing.peers.continue_dev import Continue
from bench.typing.peers.copilot import Copilot
from bench.typing.peers.llama_vim import LlamaVim
from bench.typing.peers.llama_vscode import LlamaVscode
from bench.typing.peers.minuet import Minuet
from bench.typing.peers.naive import Naive
from bench.typing.peers.tabby import Tabby
from bench.typing.policy import Policy

PEERS: Mapping[str, Callable[[], Policy]] = {
    "naive 300 ms": Naive,
    "continue": Continue,
    "llama.vim": LlamaVim,
    "llama.vscode": LlamaVscode,
    "tabby-agent (port)": Tabby,
    "cody": Cody,
    "copilot": Copilot,
    "minuet": Minuet,
}
