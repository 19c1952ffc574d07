"""Pictures of ``mmc2f draw`` for which a model sees its images anew."""

from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from mmc2f.cli.draw_options import Out, finish
from mmc2f.cli.model_files import find_model, open_model
from mmc2f.cli.options import (
    CheckpointOption,
    Debug,
    Device,
    GalleryOption,
    Json,
    ModelArgument,
    Trust,
    Verbose,
)
from mmc2f.cli.screen import quiet_host

if TYPE_CHECKING:
    from mmc2f import C2FInferencer
    from mmc2f.retrieval import EmbeddedImages

__all__ = ['clusters', 'embeddings', 'resolutions', 'sweep']


def clusters(
    model: ModelArgument,
    out: Out = None,
    num_clusters: Annotated[
        Optional[int],  # noqa: UP045 (typer before 0.15 on Python 3.10)
        typer.Option(
            min=2,
            show_default=False,
            help='By default what the config says, or the best silhouette.',
        ),
    ] = None,
    checkpoint: CheckpointOption = None,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Classes in clusters of a like look, by an image each."""
    files = find_model(model, checkpoint)
    with quiet_host() as answers:
        from mmc2f.apis import load_config
        from mmc2f.apis.config_file import find_config
        from mmc2f.apis.hierarchy_sheet import (
            configured_clustering,
            hierarchy_sheet,
        )
        from mmc2f.clustering import build_class_hierarchy
        from mmc2f.weights.trust import trust_files_of_this_process

        trust_files_of_this_process(trust)
        cfg = load_config(find_config(files.config))
        asked = configured_clustering(cfg)
        if num_clusters is not None:
            asked['num_clusters'] = num_clusters
        tree, report = build_class_hierarchy(
            cfg, files.checkpoint, asked, device=device
        )
        picture = hierarchy_sheet(tree, report.examples)
        facts = {**tree.to_dict(), 'agreement': report.agreement}
        finish(answers, picture, out, 'clusters', facts if as_json else None)
        if not as_json:
            answers(str(report))


def sweep(
    model: ModelArgument,
    out: Out = None,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Accuracy of the re-ranking over T_sf, T_sc and topn.

    It is measured on the test images, so that it shows how much the
    parameters matter; to choose them there is tools/tune_rerank.py.
    """
    files = find_model(model, checkpoint, gallery)
    with quiet_host() as answers:
        inferencer = open_model(files, files.gallery, trust, device=device)
        from mmc2f.retrieval.rerank_sweep import sweep_rerank
        from mmc2f.visualization.draw_sweep import draw_sweep

        # There is one where a gallery is given.
        assert inferencer.reranker is not None
        rule, searched = (
            inferencer.reranker.post_processor,
            inferencer.reranker.gallery,
        )
        inferencer.model.attach_reranker(None)
        images = _embedded_tests(inferencer)
        if images.coarse_probs is None:
            raise ValueError('the model gives no coarse_score to re-rank')
        found = sweep_rerank(
            images.coarse_probs,
            images.embeddings,
            images.labels,
            searched,
            topm=rule.topm,
            alpha=rule.alpha,
            gate=rule.gate,
        )
        facts = found.to_dict() if as_json else None
        finish(answers, draw_sweep(found), out, 'sweep', facts)


def resolutions(
    model: ModelArgument,
    out: Out = None,
    resolution: Annotated[
        Optional[list[int]],  # noqa: UP045
        typer.Option(
            '--resolution',
            metavar='PIXELS',
            min=1,
            show_default=False,
            help='To measure at; may be repeated. By default 13 from the '
            'input size down.',
        ),
    ] = None,
    checkpoint: CheckpointOption = None,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Accuracy of each level against the resolution of the images.

    Of the validation images; tools/search_resolution.py chooses by it where
    to change to a coarser level.
    """
    files = find_model(model, checkpoint)
    with quiet_host() as answers:
        inferencer = open_model(files, None, trust, device=device)
        from mmengine.registry import DefaultScope

        from mmc2f.apis import complete_dataloaders
        from mmc2f.datasets.resolution_loader import resolution_loader
        from mmc2f.evaluation import measure_curves
        from mmc2f.visualization import draw_resolutions

        tree, network = inferencer.tree, inferencer.model
        if tree is None:
            raise ValueError(
                'the model has no tree of classes, and its config no '
                'taxonomy, so there are no levels to measure'
            )
        cfg = network._config.copy()
        complete_dataloaders(cfg, persistent_workers=False)
        with DefaultScope.overwrite_default_scope(
            cfg.get('default_scope', 'mmpretrain')
        ):
            loader = resolution_loader(cfg, tree, resolution or None)
            curves = measure_curves(network, loader, tree)
        figure = draw_resolutions(
            curves.levels, curves.resolutions, curves.accuracies
        )
        facts = curves.to_dict() if as_json else None
        finish(answers, figure, out, 'resolutions', facts)


def embeddings(
    model: ModelArgument,
    out: Out = None,
    method: Annotated[
        str,
        typer.Option(
            metavar='tsne|pca', help='How they are brought into a plane.'
        ),
    ] = 'tsne',
    of_gallery: Annotated[
        bool,
        typer.Option(
            '--gallery-images',
            help='Of the training images in the gallery, and not of the '
            'test images.',
        ),
    ] = False,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    device: Device = None,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """A map of the embeddings with images, coloured by super class."""
    files = find_model(model, checkpoint, gallery)
    with quiet_host() as answers:
        from mmc2f.arguments import check_choice
        from mmc2f.clustering.project_embeddings import METHODS

        check_choice('method', method, METHODS)
        inferencer = open_model(
            files, files.gallery if of_gallery else None, trust, device=device
        )
        from mmc2f.apis.gallery_images import GalleryImages
        from mmc2f.visualization.embedding_map import embedding_map

        if of_gallery:
            # There is one where a gallery is given.
            assert inferencer.reranker is not None
            shown: Any = inferencer.reranker.gallery
            what = 'training images'
        else:
            shown = _embedded_tests(inferencer)
            what = 'test images'
        files_of = GalleryImages(inferencer.model._config)
        picture = embedding_map(
            shown.embeddings,
            shown.labels,
            inferencer.classes,
            inferencer.tree,
            lambda place: files_of.read(shown.image_ids[place]),
            method=method,
            what=what,
        )
        finish(answers, picture, out, 'map')


def _embedded_tests(inferencer: 'C2FInferencer') -> 'EmbeddedImages':
    """Embeddings of the test images, made now."""
    from mmc2f.apis.predictions import loader_of_tests
    from mmc2f.retrieval import embed_images

    if not hasattr(inferencer.model, 'attach_reranker'):
        raise ValueError(
            'a model that embeds images is needed, such as mmc2f.CCFR; '
            f'{type(inferencer.model).__name__} does not'
        )
    loader = loader_of_tests(inferencer)
    return embed_images(inferencer.model, loader, {}, 'test images')
