"""Reading what the control plane says of itself: metrics and the audit log.

Probes collect and select; they draw no conclusion.

"""
