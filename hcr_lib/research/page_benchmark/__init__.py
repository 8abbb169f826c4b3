"""From a photographed page to text, stage by stage: ``python -m hcr_lib.research.page_benchmark``.

It makes pages from a seed (codes, sentences, dates and prices, lists, ruled and squared paper, form boxes, touching
letters, sheets on a desk, pages that lie on their side, pictures without writing), reads them as anybody would, by
`hcr_lib.recognizer.Recognizer.read_all`, and writes what came out to ``data/results/pages.json``.

Paper, light and camera are made up, but the hands are not, where UNIPEN is at hand (``HCR_DATA_DIR``): then the strokes
are those of its development people, on whom nothing was trained. Without it, the course's own synthetic writers write.
The record says which.

The modules, in the order in which a page comes about: `_texts` (what is written), `_hands` (by whom), `_sheets` (on
what, and how it was photographed), `_kinds` (the tasks), `_stages` (each step of reading by itself), `__main__`.
"""
