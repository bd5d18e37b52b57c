"""The names of the classes of published data sets, in the order of their labels; facts of their documentation."""

from __future__ import annotations

FASHION_MNIST = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
"""README of github.com/zalandoresearch/fashion-mnist, "Labels"."""
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""``label_names`` of ``batches.meta``, which is published with the images."""
GTSRB = (
    *("limit 20 km/h", "limit 30 km/h", "limit 50 km/h", "limit 60 km/h", "limit 70 km/h", "limit 80 km/h"),
    *("end of limit 80 km/h", "limit 100 km/h", "limit 120 km/h"),
    *("no overtaking", "no overtaking by lorries", "priority at crossing", "priority road", "give way", "stop"),
    *("no vehicles", "no lorries", "no entry"),
    *("danger", "curve to the left", "curve to the right", "double curve", "bumpy road", "slippery road"),
    *("road narrows on the right", "road works", "traffic lights", "pedestrians", "children", "cyclists"),
    *("snow or ice", "wild animals"),
    "end of all limits",
    *("turn right ahead", "turn left ahead", "straight ahead", "straight or right", "straight or left"),
    *("pass on the right", "pass on the left", "roundabout"),
    *("end of no overtaking", "end of no overtaking by lorries"),
)
"""The benchmark publishes a picture of each sign and no names; this is what the signs mean by the German road traffic
regulations (StVO, annexes 1 to 3)."""
CLIP_ART = ("animal", "flag", "food", "icon", "person", "sign", "tool", "vehicle")
"""What the folders of each class hold, mostly."""
REVIEWS = ("negative", "positive")
"""The two folders or files of film reviews, in the order in which mebench reads them."""
AG_NEWS = ("World", "Sports", "Business", "Sci/Tech")
"""``classes.txt``, which is published with the texts."""
QC = ("abbreviation", "description", "entity", "human", "location", "number")
"""The six coarse classes of Li and Roth (2002), in the order of their abbreviations, ABBR to NUM."""
