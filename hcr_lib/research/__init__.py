"""What maintainers run: trainings, studies, records. No lesson and no other module of the library imports it.

| command | what it does |
| --- | --- |
| ``python -m hcr_lib.research.train_reader`` | train the shipped network for characters |
| ``python -m hcr_lib.research.train_line_reader`` | train the shipped network for lines |
| ``python -m hcr_lib.research.line_language`` | compare weights of the language beside a line's scores |
| ``python -m hcr_lib.research.scorecard`` | evaluate it on real handwriting |
| ``python -m hcr_lib.research.ladder`` | measure the ladder of MNIST |
| ``python -m hcr_lib.research.studies NAME`` | measure what the lessons quote about real handwriting |
| ``python -m hcr_lib.research.sample`` | write the bundled synthetic sample again |
| ``python -m hcr_lib.research.letter_pairs WORDLIST`` | count English letter pairs again |
| ``python -m hcr_lib.research.pad_page`` | build the pad without a kernel, ``data/pad.html``, again |
"""
