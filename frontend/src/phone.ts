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

startCommon()
watchNet()
void startOutbox()
watchScan()
if ('serviceWorker' in navigator) {
  void navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => { document.body.dataset.sw = '1' })
}
ready()
