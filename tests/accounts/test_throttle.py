"""What counts against an address: guesses, and not the people who know their passwords."""

from dataclasses import replace

import pytest
from conftest import App

from releaseapp import make_app
from releaseapp.seeds import SEED_PASSWORD

CASEY = "casey.editor@example.com"
LIMIT = 5


@pytest.fixture
def strict(settings, seeded):
    return App(make_app(replace(settings, sign_in_attempts_per_address=LIMIT)))


def sign_in(app, password, status):
    return app.post_json("/auth/login", {"email": CASEY, "password": password}, status=status)


def test_an_office_behind_one_address_signs_in_as_often_as_it_likes(strict):
    for _ in range(LIMIT + 2):
        sign_in(strict, SEED_PASSWORD, 200)


def test_whoever_knows_one_password_clears_none_of_the_guesses_from_that_address(strict):
    for number in range(LIMIT):
        guess = {"email": f"nobody{number}@example.com", "password": "a guess"}
        strict.post_json("/auth/login", guess, status=401)
        if number < LIMIT - 1:
            sign_in(strict, SEED_PASSWORD, 200)
    sign_in(strict, SEED_PASSWORD, 429)
