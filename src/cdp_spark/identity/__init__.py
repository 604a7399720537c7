"""From tonight's clusters to stable unified ids."""
