# Grocery Store Dataset; a class is an article.
num_classes = 81
data_root = '{{$MMC2F_DATA:data}}/grocery'
train_data = dict(type='mmc2f.GroceryStore', split='train')
test_data = dict(type='mmc2f.GroceryStore', split='val')
# The known tree, or None: accuracy is reported on it, MLPH learns it.
taxonomy = 'grocery'
# What MLPH recognises at which resolution: levels of the taxonomy and pixels
# of the shorter side. tools/search_resolution.py finds the pixels.
views = [
    dict(name='high', level='fine', resolution=None),
    dict(name='medium', level='coarse', resolution=80),
    dict(name='low', level='department', resolution=64),
]
