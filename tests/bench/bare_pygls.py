"""The smallest ghost-text server, as pygls' documentation teaches it; farebox is compared with it."""

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "0")


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
def inline_completion(_params: types.InlineCompletionParams) -> list[types.InlineCompletionItem]:
    """Suggest nothing."""
    return []


if __name__ == "__main__":
    server.start_io()
