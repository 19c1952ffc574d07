// Reads an image that is dropped, chosen or pasted, and hands it on as a data
// URI; the number of an example is handed on in its place. `element`, `props`
// and `trigger` are Gradio's.
const handOn = (value) => {
  props.value = value;
  trigger('upload');
};
const send = (file) => {
  if (!file) return;
  if (file.size > props.max_bytes) {
    handOn('too large');
    return;
  }
  const reader = new FileReader();
  reader.onload = () => handOn(reader.result);
  reader.onerror = () => handOn('unreadable');
  reader.readAsDataURL(file);
};
const zone = () => element.querySelector('.c2f-drop');
// On the element, since what is in it can be drawn anew.
element.addEventListener('change', (event) => {
  if (event.target.type === 'file') {
    send(event.target.files[0]);
    event.target.value = '';
  }
});
element.addEventListener('click', (event) => {
  const example = event.target.closest('[data-example]');
  if (example) handOn('example ' + example.dataset.example);
});
element.addEventListener('dragover', (event) => {
  event.preventDefault();
  zone().classList.add('is-over');
});
element.addEventListener('dragleave', () => {
  zone().classList.remove('is-over');
});
element.addEventListener('drop', (event) => {
  event.preventDefault();
  zone().classList.remove('is-over');
  send(event.dataTransfer.files[0]);
});
document.addEventListener('paste', (event) => {
  send(event.clipboardData.files[0]);
});
