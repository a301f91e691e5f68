"""Whether a request may leave at all, and what of its texts."""

import pytest

from farebox.config import Privacy
from farebox.errors import Excluded
from farebox.messages import Call, RawText
from farebox.router.guard import let_pass, require_trust, screened
from farebox.router.request import Request

PROMPT = RawText('password = "x7Kq2mPw9Zt"')


def request(*sources: str) -> Request:
    return Request(
        "complete", lambda serving: Call(serving.model, PROMPT), 10, 10, sources=sources, roots=("/ws",)
    )


def test_a_request_passes_by_its_files_and_its_workspace():
    let_pass(request("/ws/a.py"), Privacy(), trusted=True)
    with pytest.raises(Excluded, match="not trusted"):
        let_pass(request("/ws/a.py"), Privacy(), trusted=False)
    with pytest.raises(Excluded, match=r"a.py stays on this machine \(\[privacy\] exclude: \*\.py\)"):
        let_pass(request("/ws/a.py"), Privacy(exclude=["*.py"]), trusted=True)
    require_trust(trusted=True)


def test_a_call_leaves_as_the_policy_says():
    call = Call("m", PROMPT)
    assert screened(call, request(), Privacy(secrets="send"), ()) is call
    assert screened(call, request(), Privacy(), ()).prompt == RawText('password = "<secret>"')
    with pytest.raises(Excluded, match=r"^a.py holds what looks like a secret \(password\)$"):
        screened(call, request("/ws/a.py"), Privacy(secrets="block"), ())
    with pytest.raises(Excluded, match="own key"):
        screened(Call("m", RawText("an-odd-key")), request(), Privacy(secrets="block"), ("an-odd-key",))
