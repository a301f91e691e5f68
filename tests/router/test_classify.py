import string
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Complexity, Ground, Phase, ReasoningEffort, Task
from farebox.router.classify import (
    HEAD_CHARS,
    MEDIUM_COMPLEXITY_TOKENS,
    NO_FACTS,
    TAIL_CHARS,
    Facts,
    Work,
    classify,
    difficulty,
)

TYPED: dict[Task, str] = {
    "explain": """
        explain; Explain this to me like I'm a junior developer; what does this do?; what is happening in
        this loop; can you explain the regex; how does this function work?; why do we need the lock here;
        why is this variable static; What's the purpose of the second argument?; describe what the class
        is responsible for; walk me through this code; tell me what this query returns; i don't understand
        this line; could you please explain step by step how the parser works; what is the time complexity
        of this function?; what does `yield from` mean; is this function thread safe?; when is this
        callback called; where does this value come from; expalin this code; exlain the algorithm;
        summarize this file; what's the difference between these two overloads; does this handle empty
        input?; who calls this method; how are the errors propagated here; help me understand this macro;
        what are the types of a and b; give me an overview of this module; which of these branches is
        taken when x is null; what is &mut self; /explain; explain the error handling; meaning of this
        flag
    """,
    "generate": """
        write a function that reverses a linked list; generate a class for a user with name and email;
        create a python script that downloads a web page; implement quicksort; a function that returns the
        nth fibonacci number; add a method that returns the area; add a new endpoint for deleting users;
        Create an interface for the response; make a function to parse ISO dates; gnerate a random
        password generator; creat a button component; write hello world; print the numbers from 1 to 100;
        can you write me a regex that matches email addresses; I need a function that merges two
        dictionaries; build a simple http server with express; declare an array of 10 random integers;
        give me a sql query that selects all customers without orders; write code to read a csv file and
        plot it; function to compute the median; generate sample data for this table; define an enum with
        the days of the week; create a react hook for debouncing; implement the interface; scaffold a CLI
        with argparse; write a bash script which deletes old logs; add a for loop that prints each item;
        generate a getter and setter for each field; create a dockerfile for a node app; please implement
        a binary search tree in rust; import numpy and create a 3x3 matrix; binary search function; class
        that represents a 2d vector; wrtie a function to check whether a number is prime; code for
        connecting to postgres
    """,
    "edit": """
        rename this variable to userCount; convert this to async/await; refactor this into smaller
        functions; make this function async; remove the unused imports; change the color to red; use a
        dictionary instead of the if chain; simplify this; replace var with const; make it faster;
        optimize this loop; extract this into a method; turn this into a list comprehension; translate to
        typescript; convert the callback to a promise; sort the keys alphabetically; inline this variable;
        make the title bold; rewrite this using map and filter; split this function in two; move the
        constant to the top of the file; add error handling to this function; add type annotations; add a
        parameter called timeout to this function; wrap this in a try catch; delete everything after the
        first return; improve the readability; shorten this code; format this json; update the loop to
        skip empty lines; refacor this code; use early return; make these properties readonly; merge these
        two functions; switch to template strings; clean up this code; add logging; can you make this more
        pythonic; reverse the order of the arguments; port this to java; hide the sidebar when the window
        is small
    """,
    "fix": """
        fix; fix this; Fix the error; fix the type errors in this file; why is this not working?; this
        throws a null reference exception; I get an error when I call this function; correct the spelling
        mistakes; there is a bug in this loop, find it; resolve the lint warnings; why does this crash;
        debug this; it doesn't compile; solve the problem; TypeError: cannot read properties of undefined;
        fix typo; can you repair this query; this test fails, please make it pass; what's wrong with this
        code; /fix; get rid of the compiler error; fixx the indentation; how do I fix this error?; handle
        the off by one error; the output is wrong
    """,
    "tests": """
        write unit tests for this function; add tests; generate test cases; test this; create a jest test
        for the reducer; write a pytest for this; add a unit test that checks negative numbers; can you
        write some tests for the parser class; /tests; /test; unit tests please; add more test cases
        covering edge cases; wirte tests for this module; create an integration test for the login
        endpoint; generate a test suite using vitest; cover this function with tests; add another test for
        empty strings; property based tests for encode and decode
    """,
    "document": """
        add a docstring; document this function; add comments; write jsdoc for this method; add
        documentation comments to the class; comment this code; generate docstrings in google style; /doc;
        /docs; add a comment explaining why the lock is taken; write the documentation for this module;
        add inline comments; dosctring; add xml doc comments; javadoc for this class; please add a comment
        above each method; docment this class; add rustdoc with an example; write a readme for this
        project; describe the parameters in a doc comment; update the docstring; add comment
    """,
    "review": """
        review this code; can you review my changes; any bugs in this?; is there a better way to do this;
        /review; do a code review and point out security problems; what could be improved here
    """,
    "plan": """
        plan the migration from mongodb to postgres; how should I structure this project; design the
        architecture of a chat server; propose an approach for caching before writing any code; make a
        plan for adding dark mode; outline the steps needed to support multiple tenants; /plan
    """,
    "commit": """
        write a commit message; generate a commit message for the staged changes; /commit
    """,
    "chat": """
        hello; thanks!; who are you; ok; hi there; yes; test123; asdf; good morning; you are great; no;
        lorem ipsum dolor sit amet
    """,
}
"""Requests that were written before the rules were tried on anybody's."""

SLIPS: dict[Task, str] = {
    "explain": "exaplain this; expain the loop; exlpain; EXPLAIN; explian it; explains this",
    "generate": "genrate a class; crate a function; wirte a script; implment a stack; creating a module",
    "edit": "refacor this; remvoe the first line; reanme x to y; convret to json; optmize this",
    "tests": "/test; /tests for the parser; wirte tests; add unit-tests",
    "document": "dosctring; generate docstrign; add documentaion; /doc this class; documment this",
    "fix": "/fix; fixx it; @workspace /fix the imports",
}

TERSE: dict[Task, str] = {
    "generate": """
        swift view with a table of recipes; handler for PATCH /v1/users; useEffect that loads the cart; do a
        form with two fields; function to convert hex to rgb;
        terraform bucket with versioning; impl Display for Money; make class
    """,
    "edit": "make method static; vectorize this; replace unwrap with ? and pass on the error",
    "tests": """
        cypress test for the login page; a table driven test for ParseSize; rspec for the cart; do the unit
        test of this service; parametrize with pytest
    """,
    "document": "kdoc for this class; add summary tags to all methods; put a description on top",
    "fix": """
        cannot find module 'left-pad'; make this compile; I get KeyError: 'id' when running; NameError, please
        correct
    """,
    "chat": """
        can i use redis for sessions; should i use rest or grpc; is there a library for charts; thanks for the
        help; thanks for that; yes to both; not for me; back to the previous question; happy with the result;
        page is blank
    """,
    "explain": "do the types match here?; do the callers of this lock it?",
    "plan": "do a plan for the migration",
}
"""No sentences: what is wanted, or what a tool has said."""

TASKS: tuple[Task, ...] = get_args(Task)
EFFORTS: tuple[ReasoningEffort, ...] = get_args(ReasoningEffort)

PIECES = (
    "explain",
    "add",
    "a",
    "test",
    "to",
    "this",
    "how do i",
    "fix",
    "```",
    "/",
    "docstring",
    "10^5",
    "\n",
)

texts = st.one_of(
    st.text(max_size=300),
    st.text(string.ascii_lowercase + " /`?.'", max_size=300),
    st.lists(st.sampled_from(PIECES)).map(" ".join),
)
facts = st.builds(
    Facts,
    text=texts,
    files=st.integers(0, 99),
    has_selection=st.booleans(),
    diagnostics=st.integers(0, 99),
    turn=st.integers(1, 99),
    tools=st.booleans(),
    tool_results=st.integers(0, 9),
    last_tool=st.one_of(st.none(), st.text(max_size=30)),
    reasoning=st.one_of(st.none(), st.sampled_from(EFFORTS)),
)


def typed(table: dict[Task, str]) -> list[tuple[str, Task]]:
    return [(text, task) for task, row in table.items() for text in " ".join(row.split()).split("; ")]


def check(text: str = "", *, asked: Task = "chat", tokens: int = 500, **known: object) -> Work:
    return classify(asked, Facts(text=text, **known), input_tokens=tokens)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("text", "task"), [*typed(TYPED), *typed(SLIPS), *typed(TERSE)])
def test_a_request_is_told_by_its_words(text: str, task: Task) -> None:
    assert check(text, has_selection=True).task == task


@pytest.mark.parametrize(
    ("text", "task"),
    [
        pytest.param("create a test for wrong passwords", "tests", id="what-a-test-is-about-is-no-complaint"),
        pytest.param("write a function that tests whether x is prime", "generate", id="to-test-is-no-test"),
        pytest.param("create a test user", "generate", id="nor-is-a-test-user"),
        pytest.param("write a function with comments", "generate", id="what-is-asked-for-with-comments"),
        pytest.param("remove the comments", "edit", id="comments-that-go"),
        pytest.param("explain this test", "explain", id="a-test-that-is-there"),
        pytest.param("fix the docstring", "fix", id="a-docstring-that-is-wrong"),
        pytest.param("/usr/bin/env is not found?", "chat", id="a-path-is-no-command"),
        pytest.param("for i in range(3):\n    print(i)\nwhat does this do?", "explain", id="code-before-it"),
        pytest.param("```\nraise TypeError\n```\nexplain", "explain", id="fenced-code-before-it"),
        pytest.param("which city is the biggest", "chat", id="a-question-on-the-world"),
        pytest.param("do you know rust", "chat", id="a-question-on-the-assistant"),
    ],
)
def test_words_count_by_where_they_stand(text: str, task: Task) -> None:
    assert check(text).task == task


@pytest.mark.parametrize(
    ("work", "task", "ground"),
    [
        pytest.param(check("hello", asked="review"), "review", "asked", id="asked"),
        pytest.param(check("explain this", tools=True), "agent", "facts", id="tools"),
        pytest.param(check("", tool_results=1), "agent", "facts", id="tool-results"),
        pytest.param(check("", diagnostics=1), "fix", "facts", id="diagnostics"),
        pytest.param(check("and this?", diagnostics=1), "fix", "facts", id="diagnostics-and-few-words"),
        pytest.param(
            check("explain this", diagnostics=1), "explain", "words", id="words-against-diagnostics"
        ),
        pytest.param(check("add a docstring"), "document", "words", id="words"),
        pytest.param(check("hello"), "chat", "nothing", id="nothing"),
        pytest.param(check(""), "chat", "nothing", id="no-text"),
    ],
)
def test_facts_go_before_words(work: Work, task: Task, ground: Ground) -> None:
    assert (work.task, work.ground) == (task, ground)


@pytest.mark.parametrize(
    ("work", "phase"),
    [
        pytest.param(check(asked="plan"), "plan", id="plan"),
        pytest.param(check(asked="review"), "check", id="review"),
        pytest.param(check(asked="tests"), "check", id="tests"),
        pytest.param(check(asked="edit"), "act", id="edit"),
        pytest.param(check("hello"), "act", id="chat"),
        pytest.param(check("do it", tools=True), "plan", id="agent-begins"),
        pytest.param(check(tools=True, tool_results=1), "act", id="agent-after-no-known-tool"),
    ],
)
def test_a_phase_follows_from_the_task(work: Work, phase: Phase) -> None:
    assert work.phase == phase


@pytest.mark.parametrize(
    ("tools", "phase"),
    [
        ("read_file grep list_dir Glob file_search WebFetch mcp__files__read_text_file", "act"),
        ("edit_file WriteFile apply_patch str_replace_based_edit_tool create_file multi_edit", "act"),
        (
            "run_tests bash shell exec_command runInTerminal get_diagnostics read_lints getErrors Test",
            "check",
        ),
    ],
)
def test_an_agents_phase_follows_from_its_last_tool(tools: str, phase: Phase) -> None:
    for tool in tools.split():
        assert check(tools=True, tool_results=1, last_tool=tool).phase == phase, tool


@pytest.mark.parametrize(
    ("work", "complexity"),
    [
        pytest.param(check("explain this"), "low", id="explain"),
        pytest.param(check("add a docstring"), "low", id="document"),
        pytest.param(check("rename x to count"), "low", id="small-edit"),
        pytest.param(check("what is a closure?"), "low", id="short-question"),
        pytest.param(check("write a function that adds two numbers"), "low", id="trivial-code"),
        pytest.param(
            check("implement a thread safe cache with lru eviction"), "medium", id="code-that-is-not-trivial"
        ),
        pytest.param(check("fix these", diagnostics=1), "low", id="one-problem"),
        pytest.param(check("fix these", diagnostics=4), "medium", id="several-problems"),
        pytest.param(check("plan the migration"), "medium", id="plan"),
        pytest.param(check("rename x to count", files=8), "medium", id="many-files"),
        pytest.param(check("explain this", reasoning="high"), "medium", id="much-thinking-asked-for"),
        pytest.param(check("explain this", tokens=3_000), "medium", id="a-large-context"),
        pytest.param(check("explain this", tokens=MEDIUM_COMPLEXITY_TOKENS + 1), "high", id="a-huge-context"),
        pytest.param(
            check("explain this", diagnostics=9, files=9, reasoning="max"), "high", id="all-at-once"
        ),
    ],
)
def test_complexity_follows_from_the_work(work: Work, complexity: Complexity) -> None:
    assert work.complexity == complexity


@pytest.mark.parametrize(
    ("tokens", "complexity"),
    [(0, "low"), (2_000, "low"), (2_001, "medium"), (16_000, "medium"), (16_001, "high"), (10**7, "high")],
)
@pytest.mark.parametrize("task", TASKS)
def test_without_facts_only_the_size_counts(task: Task, tokens: int, complexity: Complexity) -> None:
    assert classify(task, NO_FACTS, input_tokens=tokens).complexity == complexity


def test_a_problem_with_a_large_bound_is_harder_than_with_a_small_one() -> None:
    small, large = (
        Facts(text=f"Given n numbers, n <= {bound}, print their sum") for bound in ("100", "10^9")
    )
    assert difficulty("generate", small, input_tokens=20) < difficulty("generate", large, input_tokens=20)
    for bound in ("10^{9}", "10**9", "1,000,000,000", "1000000000"):
        same = Facts(text=f"Given n numbers, n <= {bound}, print their sum")
        assert difficulty("generate", same, input_tokens=20) == difficulty("generate", large, input_tokens=20)


@given(task=st.sampled_from(TASKS), facts=facts, tokens=st.integers(0, 10**7), images=st.integers(0, 9))
def test_anything_is_some_work(task: Task, facts: Facts, tokens: int, images: int) -> None:
    work = classify(task, facts, input_tokens=tokens, images=images)
    assert work == classify(task, facts, input_tokens=tokens, images=images)
    assert work.task in TASKS
    assert 0 <= difficulty(task, facts, input_tokens=tokens, images=images) <= 1


@given(task=st.sampled_from([task for task in TASKS if task != "chat"]), facts=facts)
def test_a_task_that_was_asked_for_stands(task: Task, facts: Facts) -> None:
    work = classify(task, facts, input_tokens=100)
    assert (work.task, work.ground) == (task, "asked")


@given(task=st.sampled_from(TASKS), facts=facts, tokens=st.integers(0, 10**5), more=st.integers(0, 10**5))
def test_more_context_is_never_easier(task: Task, facts: Facts, tokens: int, more: int) -> None:
    less = difficulty(task, facts, input_tokens=tokens)
    assert less <= difficulty(task, facts, input_tokens=tokens + more)


@given(head=texts, tail=texts, middles=st.tuples(st.text(max_size=50), st.text(max_size=50)))
def test_only_the_ends_of_a_long_text_are_read(head: str, tail: str, middles: tuple[str, str]) -> None:
    works = {
        check(head.ljust(HEAD_CHARS, "x") + middle + "y" * 9_000 + tail.rjust(TAIL_CHARS, "z"))
        for middle in middles
    }
    assert len(works) == 1


@pytest.mark.parametrize(
    "piece",
    ["a", " ", "\n", "`", "```", "?", "1", "1,111 ", "10^", "how to ", "/a ", "@a ", "é\u0130", "a.b'c-"],
)
def test_a_long_text_of_anything_is_some_work(piece: str) -> None:
    assert check(piece * 9_000).complexity in ("low", "medium", "high")


def test_a_text_stays_out_of_what_is_printed() -> None:
    assert "secret" not in repr(Facts(text="my secret"))
