"""The smallest server of ghost text that keeps documents; what farebox does at a key is compared with it."""

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "0")


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
def inline_completion(params: types.InlineCompletionParams) -> list[types.InlineCompletionItem]:
    """Suggest the same at every key."""
    here = types.Range(start=params.position, end=params.position)
    return [types.InlineCompletionItem(insert_text="constant", range=here)]


if __name__ == "__main__":
    server.start_io()
