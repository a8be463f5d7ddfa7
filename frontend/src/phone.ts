// @entry Phone pages under /m/.
import './phone.css'
import { ready, startCommon } from './common'
import { startOutbox } from './outbox'
import { watchScan } from './scan'

function watchNet(): void {
  const lamp = document.getElementById('net')
  if (!lamp) return
  const say = (): void => {
    lamp.dataset.on = navigator.onLine ? '1' : '0'
    lamp.querySelector('[data-part="text"]')!.textContent = navigator.onLine ? '在线' : '离线，可继续'
  }
  addEventListener('online', say)
  addEventListener('offline', say)
  say()
}

/** A photo box says what was chosen: the file field itself is invisible. */
function watchPhotos(): void {
  document.addEventListener('change', (event) => {
    const input = event.target as HTMLInputElement
    const box = input.type === 'file' ? input.closest('.shoot') : null
    if (!box) return
    const said = box.querySelector('output') ?? box.appendChild(document.createElement('output'))
    said.replaceChildren(...[...input.files ?? []].map((file) => {
      const picture = Object.assign(document.createElement('img'), { src: URL.createObjectURL(file), alt: file.name })
      picture.addEventListener('load', () => URL.revokeObjectURL(picture.src))
      return picture
    }), input.files?.length ? `已选 ${input.files.length} 张` : '')
  })
  document.addEventListener('reset', (event) => (event.target as Element).querySelectorAll('.shoot output').forEach((said) => said.replaceChildren()))
}

startCommon()
watchPhotos()
watchNet()
void startOutbox()
watchScan()
if ('serviceWorker' in navigator) {
  void navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => { document.body.dataset.sw = '1' })
}
ready()
