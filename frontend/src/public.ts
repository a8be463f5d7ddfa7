// @entry Public pages, sign-in pages and error pages.
import './public.css'
import { ready, startCommon } from './common'

startCommon()
ready()
