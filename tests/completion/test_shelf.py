"""The files of one family of languages, learned."""

from threading import Thread

from farebox.completion.grams import END
from farebox.completion.shelf import LARGE_TOKENS, Shelf, Words


def text_on(shelf: Shelf) -> str:
    return "".join(shelf.words.texts[number] for number in shelf.grams.tokens)


def test_a_file_learned_again_replaces_itself():
    shelf = Shelf()
    shelf.learn("a.py", "before = 1")
    shelf.learn("a.py", "after = 2")
    assert text_on(shelf) == "after = 2"
    assert shelf.words.counts[shelf.words.find("before")] == 0


def test_a_forgotten_file_is_gone_from_the_row_and_a_tidy_shelf_forgets_its_words():
    shelf = Shelf()
    shelf.learn("a.py", "secretive = 1")
    shelf.learn("b.py", "open = 2")
    shelf.forget("a.py")
    assert text_on(shelf) == "open = 2"
    tidy = shelf.tidied()
    assert text_on(tidy) == "open = 2"
    assert tidy.words.find("secretive") == END
    tidy.forget("b.py")
    assert text_on(tidy) == ""


def test_a_text_of_many_slices_is_learned_whole():
    text = "\n".join(f"name_{number} = {number}" for number in range(2_000))
    shelf = Shelf()
    shelf.learn("a.py", text)
    assert text_on(shelf).replace("\n>", "\n") == text


def test_one_long_line_is_learned():
    text = "x1 " * 3_000
    shelf = Shelf()
    shelf.learn("a.js", text)
    assert text_on(shelf).split() == text.split()


def test_a_shelf_is_untidy_when_it_has_grown_or_most_of_it_is_forgotten():
    shelf = Shelf()
    shelf.learn("a.py", "x " * (LARGE_TOKENS + 10))
    assert shelf.untidy
    large = shelf.tidied()
    assert not large.untidy
    assert text_on(large) == text_on(shelf)
    large.forget("a.py")
    assert large.untidy


def test_a_shelf_is_untidy_when_most_of_its_words_were_never_learned():
    shelf = Shelf()
    shelf.learn("a.py", "open = 2")
    for number in range(LARGE_TOKENS // 2 + 20):
        shelf.words.number(f"typed{number}")
    assert shelf.untidy
    tidy = shelf.tidied()
    assert (text_on(tidy), tidy.untidy, tidy.words.find("typed0")) == ("open = 2", False, END)


def test_the_oldest_files_go_first():
    shelf = Shelf()
    for number in range(10):
        shelf.learn(f"{number}.py", f"name{number} = 1")
    shelf.learn("0.py", "name0 = 2")
    shelf.forget_oldest(len(shelf) // 2)
    text = text_on(shelf)
    assert "name1" not in text
    assert "name0" in text


def test_a_word_has_one_number_whoever_asks():
    words = Words()
    numbers: list[list[int]] = []

    def ask() -> None:
        numbers.append([words.number(f"word{number}") for number in range(2_000)])

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == numbers[0] for one in numbers)
    assert [words.texts[number] for number in numbers[0]] == [f"word{number}" for number in range(2_000)]
