// @entry
import './calendar.css'
