import torch

from mmc2f.clustering import ClassClustering
from mmc2f.registry import TASK_UTILS
from mmc2f.structures import LabelTree

FEATURES = torch.tensor(
    [[1.0, 0.1], [1.0, 0.0], [0.1, 1.0], [0.0, 1.0], [1.0, 0.2], [0.2, 1.0]]
)
LABELS = torch.tensor([0, 0, 1, 1, 2, 3])


def test_makes_a_tree_of_two_levels():
    clustering = TASK_UTILS.build(
        {'type': 'mmc2f.ClassClustering', 'num_clusters': 2}
    )
    assert isinstance(clustering, ClassClustering)
    tree = clustering(FEATURES, LABELS, ['ant', 'cow', 'bee', 'dog'])
    assert isinstance(tree, LabelTree)
    assert tree.levels == ('class', 'cluster')
    assert list(tree.names(0)) == ['ant', 'cow', 'bee', 'dog']
    assert tree.parent_of(0).tolist() == [0, 1, 0, 1]


def test_options_reach_the_clustering():
    clustering = ClassClustering(
        method='kmeans', candidates=[2, 3], level_names=('face', 'group')
    )
    result = clustering.cluster(FEATURES, LABELS, 4)
    assert list(result.silhouette) == [2, 3]
    assert clustering.tree(list('abcd'), result).levels == ('face', 'group')


def test_former_name_of_the_package_works():
    import mmc2f.hierarchy

    assert mmc2f.hierarchy.ClassClustering is ClassClustering
