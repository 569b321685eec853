"""How large the model of a recipe is: counted, without making any of its numbers."""

import torch

from nmtk.model.transformer import Transformer
from nmtk.recipe.recipe import Located
from nmtk.vocabulary.vocabulary import Vocabulary


def parameter_count(located: Located) -> int:
    """The numbers that training changes, with as many pieces as the recipe asks for.

    A vocabulary that the recipe names by its file is read where it is at hand.
    """
    recipe, folder = located
    options = recipe.vocabulary
    files = [options.source_file or options.file, options.target_file or options.file]
    sizes = []
    for file in files:
        path = next((path for path in (folder / file, file) if path.is_file()), None) if file else None
        sizes.append(len(Vocabulary.load(path)) if path else options.size)
    with torch.device("meta"):
        return Transformer(recipe.model, *sizes).parameter_count
