"""What a model card says of images that a scanner made of people, and what of any other pictures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PICTURES", "SCANS", "CardWords"]


@dataclass(frozen=True)
class CardWords:
    """The parts of a card that follow the kind of data.

    Attributes:
        modality: in ``configs/metadata.json``.
        intended_use: what the model is for.
        not_for: what it is not for, a sentence each.
        limits: what its scores do not say, a sentence each.
        separation: by the unit of the split, what it keeps apart.
        whose: what must be said of data that nobody has named.
        own: the user's images, in a command's explanation.
        places: where a reconstruction is written, and what has scores.
    """

    modality: str
    intended_use: str
    not_for: tuple[str, ...]
    limits: tuple[str, ...]
    separation: dict[str, str]
    whose: str
    own: str
    places: str


_RESEARCH = "Research on compact representations of images: reconstruction, comparison of latents, training of priors. "
SCANS = CardWords(
    modality="MR",
    intended_use=_RESEARCH + "Not a medical device, and not for diagnosis or treatment.",
    not_for=(
        "Diagnosis, treatment, or any decision about a person. A reconstruction can remove a lesion, or add one.",
        "Images that were prepared otherwise: another contrast, plane, window or pixel size than below has no score "
        "here.",
        "Hiding who somebody is: latents and reconstructions keep the shape of a head.",
    ),
    limits=(
        "Scored on one dataset. Other scanners, sequences, ages and diseases were not tried, unless the data above has "
        "them; groups are in the run's report.",
        "SSIM and PSNR do not see small lesions: a model can score well and lose what matters.",
        "Weights may remember what they were trained on: whether training slices can be drawn from this model was not "
        "tested here. Treat the weights, codebook and latents as data of these people where their terms say so.",
    ),
    separation={
        "patient": "No patient is in two splits.",
        "scan": "The source does not say whose the scans are: patients may be in two splits.",
    },
    whose="which data, of whom, from where.",
    own="scans",
    places="`<scan>/slice_<index>.npy` and the scores of each slice and patient",
)
PICTURES = CardWords(
    modality="n/a",
    intended_use=_RESEARCH + "It learned from pictures of things, and nothing here says how it does on others.",
    not_for=(
        "Images of another kind than it learned from, as those of a scanner or a microscope: none of its scores holds "
        "for them.",
        "Images that were prepared otherwise: another size or range of values than below has no score here.",
        "Keeping pictures: what the latent does not hold is made up to look likely, and text and faces change.",
    ),
    limits=(
        "Scored on one dataset. Pictures of other things, and from other cameras, were not tried.",
        "SSIM and PSNR do not see small things: a model can score well and lose what matters.",
        "Weights may remember what they were trained on: whether training images can be drawn from this model was not "
        "tested here. Pictures have owners, and may show people who were not asked.",
    ),
    separation={
        "image": "Each image is a unit of its own: the source does not say which show one scene or object, so some may "
        "be in two splits."
    },
    whose="which pictures, whose, from where.",
    own="images",
    places="`<stack>/slice_<index>.npy`, a stack being the images of one class and split, and the scores of each image",
)
