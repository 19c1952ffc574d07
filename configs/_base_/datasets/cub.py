# CUB-200-2011; what the names mean: grocery.py.
num_classes = 200
data_root = '{{$MMC2F_DATA:data}}/CUB_200_2011'
train_data = dict(type='CUB', split='train')
test_data = dict(type='CUB', split='test')
taxonomy = 'cub'
# The paper does not print its own; these are what our birds of 2010 gave, at
# an input of 448 pixels.
views = [
    dict(name='high', level='species', resolution=None),
    dict(name='medium', level='genus', resolution=128),
    dict(name='low', level='family', resolution=112),
]
