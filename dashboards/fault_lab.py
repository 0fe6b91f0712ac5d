"""The fault lab as a Panel app: `panel serve dashboards/fault_lab.py`. Its market and both servers are its own."""

from rtlab.lab.faults.page import served

served().servable(title="rtlab fault lab")
