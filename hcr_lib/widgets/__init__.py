"""The notebooks' interactive parts: thin layers over pure functions.

Nothing else in the course depends on them, and every cell that shows one also makes sense where no widget renders.
"""

from hcr_lib.widgets._alignment import alignment_demo, alignment_picture, written_strip
from hcr_lib.widgets._augment import augmentation_demo, augmentation_picture
from hcr_lib.widgets._browser import sample_browser, sample_picture
from hcr_lib.widgets._explorer import explorer_network, explorer_picture, explorer_training, network_explorer
from hcr_lib.widgets._features import FeaturePad, feature_picture
from hcr_lib.widgets._game import DrawingGame
from hcr_lib.widgets._ladder import ladder_demo, ladder_picture
from hcr_lib.widgets._pad import DrawingPad, ReadingPad
from hcr_lib.widgets._preprocessing import preprocessing_demo, preprocessing_picture
from hcr_lib.widgets._reject import reject_demo, reject_picture
from hcr_lib.widgets._writer import writer_demo, writer_picture

__all__ = [
    "DrawingGame", "DrawingPad", "FeaturePad", "ReadingPad", "alignment_demo", "alignment_picture", "augmentation_demo",
    "augmentation_picture", "explorer_network", "explorer_picture", "explorer_training", "feature_picture",
    "ladder_demo", "ladder_picture", "network_explorer", "preprocessing_demo", "preprocessing_picture", "reject_demo",
    "reject_picture", "sample_browser", "sample_picture", "writer_demo", "writer_picture", "written_strip",
]  # fmt: skip
