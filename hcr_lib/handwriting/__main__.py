"""``python -m hcr_lib.handwriting`` writes the sample that ships with the course again."""

from hcr_lib.handwriting._sample import main

if __name__ == "__main__":
    main()
