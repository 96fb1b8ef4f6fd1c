"""What users are told: once, and all at once."""

from mrcnn import notices


def test_a_remark_is_printed_once(monkeypatch, capsys):
    monkeypatch.setattr(notices, "_said", set())
    for remark in ("a", "b", "a"):
        notices.once(remark)
    assert capsys.readouterr().out == "a\nb\n"


def test_one_fault_stands_for_itself_and_the_twenty_first_is_counted():
    faults = [f"fault {i}." for i in range(22)]
    assert notices.all_of(faults[:1], "X") == "fault 0."
    assert notices.all_of(faults[:2], "X") == "X has 2 faults:\n- fault 0.\n- fault 1."
    assert notices.all_of(faults[:20], "X").endswith("fault 19.")
    assert notices.all_of(faults, "X").endswith("fault 19.\n- and 2 more.")
