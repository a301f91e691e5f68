"""The wire names of our own methods. Imports nothing, so that ``initialize`` need not wait for schemas."""

PREFIX = "farebox/"
COMMAND_PREFIX = "farebox."
PROTOCOL_VERSION = 1

METHODS = (
    "chat",
    "complete",
    "costReport",
    "route",
    "models",
    "explain",
    "setCredential",
    "setModel",
    "conversations",
    "conversation",
    "deleteConversation",
    "feedback",
    "doctor",
    "pause",
)
"""Each is a request ``farebox/NAME`` and a command ``farebox.NAME``."""

CHAT_EVENT = "farebox/chatEvent"
STATUS = "farebox/status"
DID_SHOW = "textDocument/didShowCompletion"
DID_PARTIALLY_ACCEPT = "textDocument/didPartiallyAcceptCompletion"
DID_FOCUS = "textDocument/didFocus"
DID_ACCEPT = "farebox.didAcceptCompletionItem"
