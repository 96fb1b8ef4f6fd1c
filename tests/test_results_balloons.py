"""The table of balloons shows whatever rows there are, and their means."""

import results_balloons


def row(name, split, seed, mask_ap, images=13):
    same = dict.fromkeys(results_balloons.MEASURES.values(), 0.25)
    once = {**same, "mask_ap": mask_ap, "mask_interval": [mask_ap - 0.1, mask_ap + 0.1]}
    views = {**once, "mask_ap": mask_ap + 0.05}
    return {
        "name": name,
        "split": split,
        "seed": seed,
        "images": images,
        **once,
        "views": views,
    }


def cells(text):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.strip().splitlines()
    ]


def test_seeds_are_averaged_and_ways_come_in_the_order_of_the_rows():
    rows = [
        row("b", "official", 0, 0.5),
        row("a", "official", 0, 0.3),
        row("b", "official", 1, 0.7),
        row("a", "folds", 0, 0.4, images=74),
        row("a", "folds", 1, 0.5, images=74),
        row("a", "folds", 2, 0.9, images=74),
    ]
    _, _, *lines = cells(results_balloons.photographs(rows))
    assert [line[:4] for line in lines] == [
        ["b", "official, 13", "2", "once"],
        ["b", "official, 13", "2", "in four views"],
        ["a", "official, 13", "1", "once"],
        ["a", "official, 13", "1", "in four views"],
        ["a", "five folds, 74", "3", "once"],
        ["a", "five folds, 74", "3", "in four views"],
    ]
    assert [line[6] for line in lines[::2]] == ["0.600", "0.300", "0.600"]
    assert [line[6] for line in lines[1::2]] == ["0.650", "0.350", "0.650"]
    assert [line[8] for line in lines[::2]] == [
        "0.50 to 0.70",
        "0.20 to 0.40",
        "0.50 to 0.70",
    ]


def test_a_way_that_was_not_measured_has_no_line():
    assert len(cells(results_balloons.photographs([row("a", "folds", 0, 0.4)]))) == 4
