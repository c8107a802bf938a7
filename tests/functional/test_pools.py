"""Entries of a `model_list` that share a model name, and that only their keys tell apart."""

import random

import pytest

from .conftest import id_of, sent


@pytest.fixture
def pool(managed, api, recorder, name):
    return Pool(managed, api, recorder, name)


class Pool:
    """Entries with a key each, and what the gateway makes of them."""

    def __init__(self, managed, api, recorder, name):
        self.managed, self.api, self.recorder, self.name = managed, api, recorder, name

    def entries(self, keys, rpm=5):
        return [
            {
                "model_name": self.name,
                "litellm_params": {
                    "model": "openai/gpt-4",
                    "api_key": f"sk-pool-{key}",
                    "rpm": rpm,
                },
            }
            for key in keys
        ]

    def apply(self, keys, prune=True):
        """Apply the set as predicted. Returns the writes by their kinds, sorted."""
        models = self.entries(keys)
        predicted = self.managed(test=True, models=models, prune=prune)
        self.recorder.clear()
        result = self.managed(models=models, prune=prune)
        assert result["result"] is True, result
        assert "balances" not in result["comment"]  # the rows are all of this set
        assert result["changes"] == predicted["changes"]
        names = {"new": "create", "update": "change", "delete": "delete"}
        paths = (path for method, path in sent(self.recorder) if method != "GET")
        return sorted(names[path.rpartition("/")[2]] for path in paths)

    def masks(self):
        """The mask of the key of each row, by the row's id."""
        rows = self.api.in_database(self.name)
        return {id_of(row): self.api.secrets(id_of(row))["api_key"] for row in rows}


def mask(key):
    return f"sk****{key[-2:]}"


SIX = [f"0123456789-{number}{number}" for number in range(1, 7)]


def test_each_edit_of_a_pool_is_one_write_and_no_row_gets_anothers_key(pool):
    pool.apply(SIX)
    masks = pool.masks()
    assert sorted(masks.values()) == list(map(mask, SIX))
    row = {shown: model_id for model_id, shown in masks.items()}

    assert pool.apply(SIX[1:]) == ["delete"]
    del masks[row[mask(SIX[0])]]
    assert pool.masks() == masks

    assert pool.apply(["0123456789-ro", *SIX[2:]]) == ["change"]
    masks[row[mask(SIX[1])]] = mask("ro")
    assert pool.masks() == masks

    assert pool.apply(["0123456789-ne", "0123456789-ro", *SIX[2:]]) == ["create"]
    (made,) = pool.masks().keys() - masks.keys()
    masks[made] = mask("ne")
    assert pool.masks() == masks

    moved = [*SIX[:3:-1], "0123456789-ro", "0123456789-ne", *SIX[2:4]]
    assert pool.apply(moved) == []
    moved[0], moved[4] = "0123456789-x1", "0123456789-x2"
    assert pool.apply(moved) == ["change", "change"]
    masks = {
        model_id: shown
        for model_id, shown in masks.items()
        if shown not in (mask(SIX[5]), mask(SIX[2]))
    }
    now = pool.masks()
    assert masks.items() <= now.items()
    assert sorted(now.values()) == sorted(map(mask, moved))


@pytest.mark.long
def test_what_is_no_longer_declared_is_left_alone_and_stays_so(pool):
    pool.apply(SIX)
    row = {shown: model_id for model_id, shown in pool.masks().items()}
    assert pool.apply(SIX[1:], prune=False) == []
    assert pool.apply(["0123456789-ro", *SIX[2:]], prune=False) == ["change"]
    now = pool.masks()
    assert now[row[mask(SIX[0])]] == mask(SIX[0])
    assert now[row[mask(SIX[1])]] == mask("ro")


@pytest.mark.long
def test_random_edits_of_a_pool_cost_no_write_too_many(pool):
    """Whatever is edited at once: keys that stay declared stay in their rows."""
    generator = random.Random(8)
    fresh = (f"0123456789-{one}{other}" for one in "abcdefgh" for other in "0123456789")
    keys = [next(fresh) for _ in range(6)]
    pool.apply(keys)
    for _ in range(30):
        before, masks = set(keys), pool.masks()
        for _ in range(generator.randint(1, 3)):
            place = generator.randrange(len(keys) + 1)
            what = generator.choice(["insert", "remove", "rotate", "move"])
            if what == "insert" or len(keys) < 2:
                keys.insert(place, next(fresh))
            elif what == "remove":
                del keys[place - 1]
            elif what == "rotate":
                keys[place - 1] = next(fresh)
            else:
                keys.insert(place - 1, keys.pop(generator.randrange(len(keys))))
        gone, new = len(before - set(keys)), len(set(keys) - before)
        writes = pool.apply(keys)
        assert len(writes) == max(gone, new), (writes, keys)
        assert writes.count("change") == min(gone, new)
        now = pool.masks()
        assert sorted(now.values()) == sorted(map(mask, keys))
        stay = {model_id for model_id, shown in masks.items() if shown in map(mask, keys)}
        assert all(now[model_id] == masks[model_id] for model_id in stay)
        assert pool.apply(keys) == []
