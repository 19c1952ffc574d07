# FGVC-Aircraft; what the names mean: grocery.py.
num_classes = 100
data_root = '{{$MMC2F_DATA:data}}/fgvc-aircraft-2013b'
train_data = dict(type='FGVCAircraft', split='trainval')
test_data = dict(type='FGVCAircraft', split='test')
taxonomy = 'aircraft'
