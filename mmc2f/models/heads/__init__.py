from .cosine_cls_head import CosineClsHead
from .hierarchical_head import HierarchicalHead
from .multi_level_head import MultiLevelHead

__all__ = ['CosineClsHead', 'HierarchicalHead', 'MultiLevelHead']
