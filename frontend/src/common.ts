// What every page has: htmx, confirm dialog, toasts, drawer, menus. No page-specific code here.
import './base.css'
import htmx from 'htmx.org/dist/htmx.esm.js'
// htmx starts in a later task, so extensions may follow it here.
import 'htmx.org/dist/ext/hx-sse.js'
import { watchConfirm } from './confirm'
import { watchDrawer } from './drawer'
import { watchHtmx } from './errors'
import { webFontIfNeeded } from './font'
import { watchMenus } from './menus'
import { watchToasts } from './toasts'

export function startCommon(): void {
  watchConfirm()
  watchDrawer()
  watchHtmx()
  watchMenus()
  watchToasts()
  webFontIfNeeded()
}

/** Browser tests wait for `body[data-ready]`. */
export function ready(): void {
  document.body.dataset.ready = '1'
}

export default htmx
